package pkg

func system() string { return "linux" }

func Dated() string { return "this system" }
