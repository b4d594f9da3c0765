# frozen_string_literal: true

# As much of Homebrew as our formulas use: evaluates one for a chosen platform, prints what it says as JSON, and,
# with a folder to install into, does what `brew install` and `brew test` do. Downloads are local files.
#
# minibrew.rb FORMULA.rb PLATFORM [PREFIX MAP.json]     PLATFORM: macos-arm macos-intel linux-arm linux-intel
# MAP.json: {URL or git URL: local file or folder}; "python3.13": the Python that stands in for Homebrew's.

require "digest"
require "fileutils"
require "json"
require "open3"
require "pathname"
require "rubygems"
require "tmpdir"

FILE, PLATFORM, PREFIX, MAP = ARGV
FILES = (MAP ? JSON.parse(File.read(MAP)) : {}).freeze
SYSTEM, CHIP = PLATFORM.split("-")

class Pathname
  def install(*sources)
    mkpath
    sources.each do |source|
      (source.is_a?(Hash) ? source : { source => File.basename(source) }).each do |from, to|
        FileUtils.mv(from, self/to)
      end
    end
  end

  def install_symlink(*sources)
    mkpath
    sources.each { |source| (self/File.basename(source)).make_symlink(source) }
  end
end

module Language
  module Python
    module Virtualenv
      def virtualenv_create(root, python, system_site_packages: true)
        system python, "-m", "venv", "--without-pip", *("--system-site-packages" if system_site_packages), root
      end
    end
  end
end

class Service
  attr_reader :said

  def initialize(&block)
    @said = {}
    instance_eval(&block)
  end

  def opt_bin = Pathname("opt_bin")
  def run(command) = @said[:run] = Array(command).map(&:to_s)
  def keep_alive(value) = @said[:keep_alive] = value
end

class Formula
  class << self
    [:desc, :homepage, :url, :version, :sha256, :license].each do |word|
      define_method(word) { |value| said[word] = value }
    end

    def said = @said ||= { depends_on: [] }
    def head(url, branch:) = said[:head] = { url:, branch: }
    def depends_on(what) = said[:depends_on] << what
    def preserve_rpath = said[:preserve_rpath] = true
    def on_macos = (yield if SYSTEM == "macos")
    def on_linux = (yield if SYSTEM == "linux")
    def on_arm = (yield if CHIP == "arm")
    def on_intel = (yield if CHIP == "intel")
    def service(&block) = said[:service] = Service.new(&block).said
    def test(&block) = define_method(:test, &block)
  end

  attr_reader :buildpath, :testpath

  def said = self.class.said
  def prefix = Pathname(PREFIX)
  def bin = prefix/"bin"
  def libexec = prefix/"libexec"
  (1..8).each { |section| define_method("man#{section}") { prefix/"share/man/man#{section}" } }
  def bash_completion = prefix/"etc/bash_completion.d"
  def zsh_completion = prefix/"share/zsh/site-functions"
  def fish_completion = prefix/"share/fish/vendor_completions.d"

  # Homebrew reads the version of a GitHub release off its URL; a build of a branch has the commit for one.
  def version = said[:version] || said[:url]&.slice(%r{/releases/download/v?(\d+(?:\.\d+)+)/}, 1) || "HEAD-0123456"

  def cd(folder, &block) = Dir.chdir(folder, &block)

  def system(*command)
    words = command.map(&:to_s)
    words[0] = FILES.fetch(words[0], words[0])
    output, status = Open3.capture2e(*words)
    raise "`#{words.join(" ")}` failed:\n#{output}" unless status.success?
  end

  def shell_output(command, expected = 0)
    output, status = Open3.capture2(command)
    raise "`#{command}` ended with #{status.exitstatus}, expected #{expected}" if status.exitstatus != expected

    output
  end

  def assert_match(wanted, output)
    raise "#{wanted.inspect} is not in #{output.inspect}" unless Regexp.union(wanted).match?(output)
  end

  def std_go_args(output:, ldflags: nil, tags: [])
    ["-trimpath", "-o=#{output}", "-tags=#{tags.join(",")}", "-ldflags=#{["-s", "-w", *ldflags].join(" ")}"]
  end

  def brew
    inside { |folder| unpack(folder) && Dir.chdir(@buildpath) { install } }
    inside { |folder| (@testpath = folder) && test }
  end

  private

  def inside(&block) = Dir.mktmpdir { |folder| Dir.chdir(folder) { block.call(Pathname(folder)) } }

  # A folder stands for a clone of the branch. Homebrew goes into the one folder that an archive has.
  def unpack(folder)
    place = FILES.fetch(said[:url] || said.dig(:head, :url))
    return @buildpath = folder.tap { FileUtils.cp_r("#{place}/.", folder) } if File.directory?(place)

    digest = Digest::SHA256.file(place).hexdigest
    raise "sha256 of #{place} is #{digest}, expected #{said[:sha256]}" if digest != said[:sha256]

    place.end_with?(".zip") ? system("unzip", "-q", place) : system("tar", "-xf", place)
    @buildpath = folder.children.one? ? folder.children.first : folder
  end
end

load FILE
formula = Formula.subclasses.first
formula.new.brew if PREFIX
puts JSON.generate(formula.said.merge(class: formula.name))
