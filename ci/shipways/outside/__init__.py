"""The places outside, as doors that channels and resolvers go through."""
