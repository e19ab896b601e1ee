// A bundle: one file with programs, weights and the record of what PyTorch computed (docs/bundle.md).
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "manifest.h"
#include "mapped_file.h"
#include "safetensors.h"
#include "zip.h"

namespace pt2 {

class Bundle {
 public:
  // Reads the directory and the manifest; nothing else is looked at yet. Throws PluginError.
  explicit Bundle(const std::filesystem::path& path);

  const std::string& path() const { return path_; }
  const Manifest& manifest() const { return manifest_; }
  // Hex digest of manifest.json, which holds those of all other members.
  std::string digest() const;

  // A member, held against the manifest's size and SHA-256 when it is first asked for. As long as this object. Throws PluginError.
  std::span<const std::byte> member(const std::string& name);
  Json json(const std::string& name);
  std::map<std::string, StoredTensor> tensors(const std::string& name);

 private:
  std::string path_;
  MappedFile file_;
  ZipEntries entries_;
  Manifest manifest_;
  std::set<std::string> verified_;
};

// Small hexadecimal letters.
std::string sha256_of(std::span<const std::byte> bytes);

}  // namespace pt2
