package stages

// seamStages lists the waits that people put in at the seams: they are no part of
// the path, and stand in the timeline as what they are.
var seamStages = []Spec{
	{
		Stage: Fault, Name: "seam.fault", Scope: ScopeRequest, Kind: KindHeld,
		Upstream: Symbol{StandardLibrary, "runtime", "timeSleep"},
		Seam:     "server/seam/fault.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Next: []string{"runtime.timeSleep", "runtime.goready"},
		EN: Text{
			Note: "a fault that was switched on made it wait",
			What: "Somebody switched a fault on, such as a slow fsync, and the request waited because of it. The wait is put in where the stage begins that it pretends to be about, so the rest of the path meets it as it would meet a slow disk or a busy goroutine. It only waits: nothing is lost, and nothing is acknowledged early.",
			How:  "The seam that waits stamps before and after its own wait: both edges are exact. The attribute why names the fault, at the stage that would have begun; of a slow fsync the fdatasync that it follows, whose own length stays what the disk took. Where a batch waited, each of its requests has the row. Two faults have no row, for nothing waits at a seam: a small window and busy processors. Whatever was on, the request says so in its attribute glasskv.faults.",
			Slow: "As slow as it was asked to be, and never above ten seconds at a time.",
			Do:   "glasskv fault shows what is switched on, glasskv fault clear --all ends it.",
		},
		ZH: Text{
			Note: "人为打开的故障让它等待",
			What: "有人打开了一个故障（例如慢 fsync），请求因此等待。等待加在它所模仿的阶段开始之处，路径的其余部分看到的就像真的遇上了慢盘或繁忙的 goroutine。它只会等待：不会丢失数据，也不会提前确认。",
			How:  "负责等待的接缝在自己等待的前后打点，两端都精确。属性 why 是故障的名字，at 是本来要开始的阶段；慢 fsync 的 at 是它前面的那次 fdatasync，后者的长度仍是磁盘自己花的时间。一批请求一起等待时，每个请求都有这一行。有两种故障没有这一行，因为接缝上没有等待：小窗口和繁忙的处理器。不论打开了哪些，请求的属性 glasskv.faults 都会写明。",
			Slow: "要它多慢就多慢，但每次不超过十秒。",
			Do:   "glasskv fault 显示打开了哪些，glasskv fault clear --all 全部关闭。",
		},
	},
	{
		Stage: Hold, Name: "seam.hold", Scope: ScopeRequest, Kind: KindHeld,
		Upstream: Symbol{StandardLibrary, "runtime", "gopark"},
		Seam:     "server/seam/hold.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Next: []string{"runtime.gopark", "runtime.selectgo", "runtime.goready"},
		EN: Text{
			Note: "held by a breakpoint",
			What: "Somebody set a breakpoint on a stage, and the request was held where that stage would have begun. Its goroutine stood in a select until it was told to go on, the hold's time was up, or the client gave up. The time is nobody's fault and belongs to no stage of the path, so it has a row of its own.",
			How:  "The seam stamps before and after the wait, both on the goroutine that waits: exact. The attribute at names the stage, why what held it (a breakpoint, a step, or another request's hold on a goroutine that they share), ended how it went on. The stage itself begins after the hold, so its own length is true; what lies around it, such as the handler, contains the hold.",
			Slow: "Until somebody types glasskv hold continue, or for the hold's longest time, one minute unless asked otherwise.",
			Do:   "glasskv hold shows who is held and the breakpoints that are set; glasskv hold clear --all removes them.",
		},
		ZH: Text{
			Note: "被断点停住",
			What: "有人在某个阶段上设了断点，请求就停在这个阶段即将开始的地方。它的 goroutine 停在一个 select 里，直到有人让它继续、停留时间用完，或客户端放弃。这段时间不是任何一方的错，也不属于路径上的任何阶段，所以单列一行。",
			How:  "接缝在等待的 goroutine 上、等待的前后打点，两端都精确。属性 at 是哪个阶段，why 是被什么停住（断点、单步，或共用的 goroutine 被另一个请求停住），ended 是怎样继续的。阶段本身在停留之后才开始，所以它自己的长度是真实的；包在它外面的（例如 handler）则包含这次停留。",
			Slow: "直到有人输入 glasskv hold continue，或到达最长停留时间：除非另外指定，为一分钟。",
			Do:   "glasskv hold 显示谁被停住、设了哪些断点；glasskv hold clear --all 全部删除。",
		},
	},
}
