package twin

import (
	"context"
	"encoding/json"
	"net/http"
)

// settle waits until the member's storage has the version that the cluster has
// agreed upon. Either server follows up with it a moment after it began to
// serve, so whoever asks for versions at once is told one or the other.
func (m *Member) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for {
		if settled, err := m.settled(ctx); settled || err != nil {
			return err
		}
	}
}

func (m *Member) settled(ctx context.Context) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.Client+"/version", http.NoBody)
	if err != nil {
		return false, err
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer reply.Body.Close()
	var versions struct{ EtcdCluster, Storage string }
	if err := json.NewDecoder(reply.Body).Decode(&versions); err != nil {
		return false, err
	}
	return versions.Storage != "" && versions.Storage == versions.EtcdCluster, nil
}
