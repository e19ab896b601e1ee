#include "bundle.h"

#include <openssl/sha.h>

#include <array>

#include "errors.h"

namespace pt2 {
namespace {

constexpr const char* kManifest = "manifest.json";

std::string place(const std::string& path, const std::string& member) { return path + ": " + member; }

}  // namespace

std::string sha256_of(std::span<const std::byte> bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

Bundle::Bundle(const std::filesystem::path& path)
    : path_(path.string()), file_(path), entries_(path_, file_.bytes()), manifest_(read_manifest(entries_.text(kManifest), place(path_, kManifest))) {}

std::string Bundle::digest() const { return sha256_of(entries_.at(kManifest)); }

std::span<const std::byte> Bundle::member(const std::string& name) {
  const std::span<const std::byte> bytes = entries_.at(name);
  if (verified_.contains(name)) return bytes;
  const auto facts = manifest_.members.find(name);
  if (facts == manifest_.members.end()) throw damaged(path_, trainhost::format("its manifest does not list \"{}\"", name));
  if (bytes.size() != facts->second.bytes) throw damaged(place(path_, name), trainhost::format("it has {} bytes, the manifest says {}", bytes.size(), facts->second.bytes));
  const std::string digest = sha256_of(bytes);
  if (digest != facts->second.sha256) throw damaged(place(path_, name), trainhost::format("its SHA-256 is {}, the manifest says {}", digest, facts->second.sha256));
  verified_.insert(name);
  return bytes;
}

Json Bundle::json(const std::string& name) {
  const auto bytes = member(name);
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, place(path_, name));
}

std::map<std::string, StoredTensor> Bundle::tensors(const std::string& name) { return read_safetensors(member(name), place(path_, name)); }

}  // namespace pt2
