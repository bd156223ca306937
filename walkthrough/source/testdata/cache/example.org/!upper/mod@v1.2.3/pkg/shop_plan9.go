package pkg

import "fmt"

func Plan9Only() string { return system() }

func Dated() string { return "another system" }

func assembly(b *Box[int])

func Calls(b *Box[int], o Opener, f func()) {
	assembly(b)
	b.Lock()
	b.Put(1)
	o.Close()
	f()
	New := func(int) {}
	New(int(Counter(2)))
	fmt.Sprint(Get[int](nil))
}
