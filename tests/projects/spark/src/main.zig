//! spark prints the SHA-256 of files.

const std = @import("std");
const Io = std.Io;
const options = @import("options");
const sum = @import("sum.zig");

const usage =
    \\Usage:
    \\  spark sum FILE...
    \\  spark --version | --help
    \\
    \\Exit codes: 0 done, 1 a file could not be read, 2 usage.
    \\
;

const Exit = enum(u8) { ok = 0, failed = 1, usage = 2 };

const Command = union(enum) {
    help,
    version,
    sum: []const [:0]const u8,
    misuse: []const u8,
};

pub fn main(init: std.process.Init) !u8 {
    const args = try init.minimal.args.toSlice(init.arena.allocator());
    var out_buffer: [4096]u8 = undefined;
    var err_buffer: [512]u8 = undefined;
    // Streaming: the default writes at an offset of its own and overwrites what others put into a shared file.
    var out = Io.File.stdout().writerStreaming(init.io, &out_buffer);
    var err = Io.File.stderr().writerStreaming(init.io, &err_buffer);
    const exit = try run(init.io, parse(args[1..]), &out.interface, &err.interface);
    try out.interface.flush();
    try err.interface.flush();
    return @backingInt(exit);
}

fn parse(args: []const [:0]const u8) Command {
    if (args.len == 0) return .{ .misuse = "a command is needed" };
    const first = args[0];
    if (std.mem.eql(u8, first, "--version")) return .version;
    if (std.mem.eql(u8, first, "--help") or std.mem.eql(u8, first, "-h")) return .help;
    if (!std.mem.eql(u8, first, "sum")) return .{ .misuse = "unknown command" };
    if (args.len == 1) return .{ .misuse = "sum takes at least one file" };
    return .{ .sum = args[1..] };
}

fn run(io: Io, command: Command, out: *Io.Writer, err: *Io.Writer) !Exit {
    switch (command) {
        .help => try out.writeAll(usage),
        .version => try out.print("spark {s}\n", .{options.version}),
        .misuse => |why| {
            try err.print("spark: {s}\n\n{s}", .{ why, usage });
            return .usage;
        },
        .sum => |names| return sumFiles(io, .cwd(), names, out, err),
    }
    return .ok;
}

/// A file that cannot be read is named on err; the others are still summed.
fn sumFiles(io: Io, dir: Io.Dir, names: []const [:0]const u8, out: *Io.Writer, err: *Io.Writer) !Exit {
    var exit: Exit = .ok;
    for (names) |name| {
        const digest = digestFile(io, dir, name) catch |why| {
            try err.print("spark: {s}: {t}\n", .{ name, why });
            exit = .failed;
            continue;
        };
        try sum.writeLine(out, digest, name);
    }
    return exit;
}

fn digestFile(io: Io, dir: Io.Dir, name: []const u8) !sum.Digest {
    const file = try dir.openFile(io, name, .{});
    defer file.close(io);
    var buffer: [4096]u8 = undefined;
    var reader = file.readerStreaming(io, &buffer);
    return sum.digest(&reader.interface) catch |why| return reader.err orelse why;
}

const testing = std.testing;

fn expectRun(command: Command, exit: Exit, out_text: []const u8, err_text: []const u8) !void {
    var out_buffer: [1024]u8 = undefined;
    var err_buffer: [1024]u8 = undefined;
    var out: Io.Writer = .fixed(&out_buffer);
    var err: Io.Writer = .fixed(&err_buffer);
    try testing.expectEqual(exit, try run(testing.io, command, &out, &err));
    try testing.expectEqualStrings(out_text, out.buffered());
    try testing.expectEqualStrings(err_text, err.buffered());
}

test "--version prints the name and the version of the build" {
    try expectRun(parse(&.{"--version"}), .ok, "spark " ++ options.version ++ "\n", "");
}

test "--help goes to stdout" {
    try expectRun(parse(&.{"--help"}), .ok, usage, "");
}

test "a wrong command line is a usage error" {
    try expectRun(parse(&.{}), .usage, "", "spark: a command is needed\n\n" ++ usage);
    try expectRun(parse(&.{"smu"}), .usage, "", "spark: unknown command\n\n" ++ usage);
    try expectRun(parse(&.{"sum"}), .usage, "", "spark: sum takes at least one file\n\n" ++ usage);
}

test "a missing file is named and the others are summed" {
    var scratch = testing.tmpDir(.{});
    defer scratch.cleanup();
    try scratch.dir.writeFile(testing.io, .{ .sub_path = "abc", .data = "abc" });
    var out_buffer: [256]u8 = undefined;
    var err_buffer: [256]u8 = undefined;
    var out: Io.Writer = .fixed(&out_buffer);
    var err: Io.Writer = .fixed(&err_buffer);
    const exit = try sumFiles(testing.io, scratch.dir, &.{ "none", "abc" }, &out, &err);
    try testing.expectEqual(.failed, exit);
    try testing.expectEqualStrings("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n", out.buffered());
    try testing.expectEqualStrings("spark: none: FileNotFound\n", err.buffered());
}

test {
    _ = sum;
}
