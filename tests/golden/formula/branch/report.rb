# Rendered by shipways from a [formula] table of its config; an edit here is lost.
class Report < Formula
  include Language::Python::Virtualenv

  desc "Writer of reports"
  homepage "https://github.com/example/example"
  license any_of: ["MIT", "Apache-2.0"]
  head "https://github.com/example/example.git", branch: "main"

  depends_on "python@3.13"

  # Wheels leave no room in their headers for the names that Homebrew would give to extension modules on macOS.
  preserve_rpath

  def install
    # pip, because Homebrew's helper would leave out what the project depends on.
    virtualenv_create(libexec, "python3.13", system_site_packages: false)
    system "python3.13", "-m", "pip", "--python=#{libexec}/bin/python", "install", buildpath/"tools/report"
    bin.install_symlink libexec/"bin/report"
  end

  test do
    assert_match(/\d+\.\d+/, shell_output("#{bin}/report --version"))
  end
end
