// The entries of a ZIP file that holds them as they are (method "stored"), as views of its bytes. The file is not trusted: every offset is checked.
//
// Own code, since the views go straight into a mapped file; the libraries at hand copy each entry out.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace pt2 {

class ZipEntries {
 public:
  // `bytes` outlive this object; `file` is for messages. Throws PluginError.
  ZipEntries(std::string_view file, std::span<const std::byte> bytes);

  // Throws PluginError when there is no such entry.
  std::span<const std::byte> at(const std::string& name) const;
  std::string_view text(const std::string& name) const;
  bool contains(const std::string& name) const { return entries_.count(name) > 0; }
  const std::map<std::string, std::span<const std::byte>>& all() const { return entries_; }

 private:
  std::string file_;
  std::map<std::string, std::span<const std::byte>> entries_;
};

}  // namespace pt2
