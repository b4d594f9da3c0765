# Rendered by shipways from a [formula] table of its config; an edit here is lost.
class Pulse < Formula
  desc "Service that reports how it is"
  homepage "https://github.com/example/pulse"
  license "MIT"
  head "https://github.com/example/pulse.git", branch: "main"

  depends_on "go" => :build

  def install
    system "go", "build", *std_go_args(output: bin/"pulse", ldflags: "-X main.version=#{version}")
    bash_completion.install "completions/pulse.bash" => "pulse"
  end

  service do
    run [opt_bin/"pulse", "serve"]
    keep_alive true
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/pulse --version")
    shell_output("#{bin}/pulse check http://127.0.0.1:1/health", 1)
  end
end
