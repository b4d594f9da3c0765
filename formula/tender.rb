# Rendered by shipways from a [formula] table of its config; an edit here is lost.
class Tender < Formula
  desc "Health probe and init for containers without a shell"
  homepage "https://github.com/shipways/shipways"
  license "Apache-2.0"
  head "https://github.com/shipways/shipways.git", branch: "main"

  depends_on "go" => :build

  def install
    cd "ci/tender" do
      system "go", "build", *std_go_args(output: bin/"tender", ldflags: "-X main.version=#{version}")
    end
    man1.install "packaging/man/tender.1"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/tender --version")
    shell_output("#{bin}/tender probe --timeout 1s http://127.0.0.1:1/", 1)
  end
end
