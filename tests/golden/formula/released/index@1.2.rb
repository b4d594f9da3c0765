# Rendered by shipways from a [formula] table of its config; an edit here is lost.
class IndexAT12 < Formula
  desc "Code index for macOS and Linux"
  homepage "https://github.com/example/example"
  version "1.2.3"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on :linux

  on_linux do
    on_arm do
      url "https://github.com/example/example/releases/download/index%2Fv1.2.3/index-1.2.3-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000001"
    end
    on_intel do
      url "https://github.com/example/example/releases/download/index%2Fv1.2.3/index-1.2.3-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000000"
    end
  end

  def install
    bin.install "index"
    bin.install "indexctl"
  end

  service do
    run opt_bin/"indexctl"
  end

  test do
    assert_match "v#{version}/x86", shell_output("#{bin}/index --version")
  end
end
