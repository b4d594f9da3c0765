const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const stated = @import("build.zig.zon").version;
    const version = b.option([]const u8, "version", "version that --version prints (default: build.zig.zon)") orelse stated;

    const options = b.addOptions();
    options.addOption([]const u8, "version", version);

    const module = b.createModule(.{
        .root_source_file = b.path("src/main.zig"),
        .target = target,
        .optimize = optimize,
        .strip = optimize != .debug,
        // A gnu build is the system's kind, dynamic on its libc; a musl build is static.
        .link_libc = target.result.os.tag == .linux and target.result.abi.isGnu(),
    });
    module.addOptions("options", options);

    b.installArtifact(b.addExecutable(.{ .name = "spark", .root_module = module }));

    const tests = b.addRunArtifact(b.addTest(.{ .root_module = module }));
    b.step("test", "Run the unit tests").dependOn(&tests.step);
}
