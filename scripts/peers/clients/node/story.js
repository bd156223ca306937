// Uses a server of etcd's API through Node's gRPC client. The API's definition comes from
// etcd's own .proto files.
//
//   node story.js ADDRESS DIRECTORY…
//
// The directories are searched for imports of .proto files. The program prints a line for
// each story that succeeds, and ends with an error at the first that does not.
'use strict';

const assert = require('node:assert/strict');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const [address, ...includeDirs] = process.argv.slice(2);
const { etcdserverpb } = grpc.loadPackageDefinition(
  protoLoader.loadSync('etcd/api/etcdserverpb/rpc.proto', { includeDirs, keepCase: true, longs: String, enums: String, defaults: true }),
);
const credentials = grpc.credentials.createInsecure();
const kv = new etcdserverpb.KV(address, credentials);
const leases = new etcdserverpb.Lease(address, credentials);
const watcher = new etcdserverpb.Watch(address, credentials);

// call makes one request and returns a promise of its reply, with a deadline of half a
// minute.
function call(client, method, request) {
  const deadline = Date.now() + 30_000;
  return new Promise((resolve, reject) => {
    client[method](request, { deadline }, (err, reply) => (err ? reject(err) : resolve(reply)));
  });
}

// messages returns three functions on a stream. next returns a promise of the next
// message. end closes our side and checks that the server then closes its side. cancel
// cancels the stream, which is how a watch ends.
function messages(stream) {
  const iterator = stream[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await iterator.next();
    assert.equal(done, false, 'the stream ended');
    return value;
  };
  const end = async () => {
    stream.end();
    assert.equal((await iterator.next()).done, true, 'the stream goes on');
  };
  const cancel = async () => {
    stream.cancel();
    await assert.rejects(iterator.next(), { code: grpc.status.CANCELLED });
  };
  return { next, end, cancel };
}

const bytes = (text) => Buffer.from(text);

async function puts() {
  const { header } = await call(kv, 'Put', { key: bytes('greeting'), value: bytes('hello') });
  assert.equal(header.revision, '2');
  const { prev_kv: previous } = await call(kv, 'Put', { key: bytes('greeting'), value: bytes('hej'), prev_kv: true });
  assert.equal(previous.value.toString(), 'hello');
  const { kvs, count } = await call(kv, 'Range', { key: bytes('greeting') });
  assert.equal(count, '1');
  assert.equal(kvs[0].value.toString(), 'hej');
  assert.equal(kvs[0].version, '2');
}

async function transacts() {
  const { succeeded, responses } = await call(kv, 'Txn', {
    compare: [{ key: bytes('greeting'), target: 'VERSION', result: 'EQUAL', version: 2 }],
    success: [
      { request_put: { key: bytes('other'), value: bytes('made') } },
      { request_range: { key: bytes('other') } },
    ],
  });
  assert.equal(succeeded, true);
  assert.equal(responses[1].response_range.kvs[0].value.toString(), 'made');
  const { deleted } = await call(kv, 'DeleteRange', { key: bytes('other') });
  assert.equal(deleted, '1');
}

async function isRefused() {
  await assert.rejects(call(kv, 'Put', { value: bytes('no key') }), {
    code: grpc.status.INVALID_ARGUMENT,
    details: 'etcdserver: key is not provided',
  });
  await assert.rejects(call(kv, 'Range', { key: bytes('greeting'), revision: 99 }), {
    code: grpc.status.OUT_OF_RANGE,
    details: 'etcdserver: mvcc: required revision is a future revision',
  });
}

async function watches() {
  const stream = watcher.Watch();
  const { next, cancel } = messages(stream);
  stream.write({ create_request: { key: bytes('w/'), range_end: bytes('w0'), prev_kv: true } });
  const created = await next();
  assert.equal(created.created, true);
  await call(kv, 'Put', { key: bytes('w/1'), value: bytes('one') });
  await call(kv, 'Put', { key: bytes('w/1'), value: bytes('two') });
  const events = [];
  while (events.length < 2) events.push(...(await next()).events);
  assert.deepEqual(events.map((e) => [e.type, e.kv.value.toString()]), [['PUT', 'one'], ['PUT', 'two']]);
  assert.equal(events[1].prev_kv.value.toString(), 'one');
  stream.write({ cancel_request: { watch_id: created.watch_id } });
  assert.equal((await next()).canceled, true);
  await cancel();
}

async function leasesKeys() {
  const { ID, TTL } = await call(leases, 'LeaseGrant', { TTL: 60 });
  assert.equal(TTL, '60');
  await call(kv, 'Put', { key: bytes('leased'), value: bytes('v'), lease: ID });
  const stream = leases.LeaseKeepAlive();
  const { next, end } = messages(stream);
  for (let i = 0; i < 2; i++) {
    stream.write({ ID });
    assert.equal((await next()).TTL, '60');
  }
  await end();
  const { keys } = await call(leases, 'LeaseTimeToLive', { ID, keys: true });
  assert.deepEqual(keys.map(String), ['leased']);
  await call(leases, 'LeaseRevoke', { ID });
  assert.equal((await call(kv, 'Range', { key: bytes('leased') })).count, '0');
}

async function main() {
  for (const story of [puts, transacts, isRefused, watches, leasesKeys]) {
    await story();
    console.log(story.name);
  }
  for (const client of [kv, leases, watcher]) client.close();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
