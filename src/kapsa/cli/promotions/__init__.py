"""What `kapsa promote`, `kapsa rollback` and `kapsa follow` are made of."""
