# Rendered by shipways from a [formula] table of its config; an edit here is lost.
class IndexAT12 < Formula
  desc "Code index for macOS and Linux"
  homepage "https://github.com/example/example"
  license any_of: ["MIT", "Apache-2.0"]
  head "https://github.com/example/example.git", branch: "main"

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args(path: "crates/index", features: ["fast"]), "--no-default-features"
  end

  service do
    run opt_bin/"indexctl"
  end

  test do
    assert_match(%r{v\d+\.\d+/x86}, shell_output("#{bin}/index --version"))
  end
end
