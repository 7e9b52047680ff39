"""Every parser that meets bytes of others, under a fuzzer that follows coverage: `make fuzz`."""
