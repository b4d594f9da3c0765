# Rendered by shipways from a [formula] table of its config; an edit here is lost.
class Shipways < Formula
  include Language::Python::Virtualenv

  desc "Release and deploy software from one declarative file"
  homepage "https://github.com/shipways/shipways"
  license "Apache-2.0"
  head "https://github.com/shipways/shipways.git", branch: "main"

  depends_on "python@3.13"

  # Wheels leave no room in their headers for the names that Homebrew would give to extension modules on macOS.
  preserve_rpath

  def install
    # pip, because Homebrew's helper would leave out what the project depends on.
    virtualenv_create(libexec, "python3.13", system_site_packages: false)
    system "python3.13", "-m", "pip", "--python=#{libexec}/bin/python", "install", buildpath
    bin.install_symlink libexec/"bin/shipways"
  end

  test do
    assert_match(/\d+\.\d+/, shell_output("#{bin}/shipways --version"))
    assert_match "name", shell_output("#{bin}/shipways explain project.name")
  end
end
