# Rendered by shipways from a [formula] table of its config; an edit here is lost.
class Spark < Formula
  desc "Sums of files"
  homepage "https://github.com/example/example"
  license any_of: ["MIT", "Apache-2.0"]
  head "https://github.com/example/example.git", branch: "main"

  depends_on "zig" => :build

  def install
    system "zig", "build", *std_zig_args(release_mode: :safe), "-Dstrip"
  end

  test do
    system bin/"spark"
  end
end
