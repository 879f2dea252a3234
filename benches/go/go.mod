module benches

go 1.23
