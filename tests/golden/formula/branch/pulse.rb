# Rendered by shipways from a [formula] table of its config; an edit here is lost.
class Pulse < Formula
  desc "Small service that counts"
  homepage "https://github.com/example/example"
  license any_of: ["MIT", "Apache-2.0"]
  head "https://github.com/example/example.git", branch: "main"

  depends_on "go" => :build

  def install
    cd "cmd/pulse" do
      args = std_go_args(output: bin/"pulse", ldflags: "-X main.version=#{version}", tags: ["netgo"])
      system "go", "build", *args, "./server"
    end
    zsh_completion.install "cmd/pulse/completions/_pulse"
    bash_completion.install "cmd/pulse/completions/pulse.bash" => "pulse"
    fish_completion.install "cmd/pulse/completions/pulse.fish"
    man1.install "docs/pulse.1"
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
