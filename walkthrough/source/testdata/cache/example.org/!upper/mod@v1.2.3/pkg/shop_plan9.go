package pkg

func Plan9Only() string { return system() }

func Dated() string { return "another system" }
