//! SHA-256 of a stream, and the line that says it.

const std = @import("std");
const Io = std.Io;
const Sha256 = std.crypto.hash.sha2.Sha256;

pub const Digest = [Sha256.digest_length]u8;

/// Reads to the end of the stream.
pub fn digest(stream: *Io.Reader) Io.Reader.ShortError!Digest {
    var hash: Sha256 = .init(.{});
    var chunk: [16 * 1024]u8 = undefined;
    while (true) {
        const got = try stream.readSliceShort(&chunk);
        hash.update(chunk[0..got]);
        if (got < chunk.len) return hash.finalResult();
    }
}

/// Writes the line of coreutils' sha256sum: 64 hexadecimal digits, two spaces, the name.
pub fn writeLine(out: *Io.Writer, sum: Digest, name: []const u8) Io.Writer.Error!void {
    try out.print("{x}  {s}\n", .{ &sum, name });
}

const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn expectLine(expected: []const u8, stream: *Io.Reader, name: []const u8) !void {
    var buffer: [256]u8 = undefined;
    var out: Io.Writer = .fixed(&buffer);
    try writeLine(&out, try digest(stream), name);
    try std.testing.expectEqualStrings(expected, out.buffered());
}

test "an empty stream" {
    var stream: Io.Reader = .fixed("");
    try expectLine(empty ++ "  nothing\n", &stream, "nothing");
}

test "the one-block message of FIPS 180-4" {
    var stream: Io.Reader = .fixed("abc");
    try expectLine("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc.txt\n", &stream, "abc.txt");
}

test "a stream longer than a chunk" {
    const million: [1_000_000]u8 = @splat('a');
    var stream: Io.Reader = .fixed(&million);
    try expectLine("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0  a\n", &stream, "a");
}

test "a stream of exactly one chunk is read once more" {
    const chunk: [16 * 1024]u8 = @splat('a');
    var stream: Io.Reader = .fixed(&chunk);
    var whole: Digest = undefined;
    Sha256.hash(&chunk, &whole, .{});
    try std.testing.expectEqual(whole, try digest(&stream));
}
