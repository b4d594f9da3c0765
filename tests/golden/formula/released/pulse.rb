# Rendered by shipways from a [formula] table of its config; an edit here is lost.
class Pulse < Formula
  desc "Small service that counts"
  homepage "https://github.com/example/example"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
      url "https://github.com/example/example/releases/download/v1.2.3/pulse-1.2.3-aarch64-apple-darwin.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000004"
    end
    on_intel do
      url "https://github.com/example/example/releases/download/v1.2.3/pulse-1.2.3-x86_64-apple-darwin.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000003"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/example/example/releases/download/v1.2.3/pulse-1.2.3-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000002"
    end
    on_intel do
      url "https://github.com/example/example/releases/download/v1.2.3/pulse-1.2.3-x86_64-unknown-linux-musl.tar.gz"
      sha256 "0000000000000000000000000000000000000000000000000000000000000001"
    end
  end

  def install
    bin.install "pulse"
    zsh_completion.install "completions/_pulse"
    bash_completion.install "completions/pulse.bash" => "pulse"
    fish_completion.install "completions/pulse.fish"
    man1.install "man/pulse.1"
  end

  service do
    run [opt_bin/"pulse", "serve", "--port", "8080"]
    keep_alive true
  end

  test do
    assert_match "pulse #{version}", shell_output("#{bin}/pulse --version")
    assert_match "invalid \"port\"", shell_output("#{bin}/pulse --port 'no \#{number}' 2>&1", 2)
    system bin/"pulse", "check", "a b"
    shell_output("#{bin}/pulse nothing", 1)
  end
end
