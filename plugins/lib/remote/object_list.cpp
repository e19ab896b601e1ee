#include "remote/object_list.h"

#include <algorithm>
#include <map>
#include <set>

#include <trainhost/cpp/error.hpp>

#include "files/glob.h"

namespace trainhost::remote {
namespace {

PluginError not_there(std::string_view key, std::string_view uri, std::string_view why) {
  return {TRAINHOST_NOT_FOUND, format("{}: \"{}\" {}; correct the URI", key, uri, why)};
}

std::string uri_of(const std::string& bucket, const std::string& object_key) { return format("s3://{}/{}", bucket, object_key); }

std::string before_wildcard(const std::string& pattern) { return pattern.substr(0, pattern.find_first_of("*?")); }

std::string common_start(const std::string& a, const std::string& b) {
  const auto length = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return {a.begin(), std::mismatch(a.begin(), a.begin() + length, b.begin()).first};
}

// Names that begin with a dot, in the part of the key that a wildcard stands for, and the marks of folders that consoles make.
bool is_passed_over(const std::string& pattern, const std::string& object_key) {
  const size_t folder = before_wildcard(pattern).rfind('/');
  const std::string_view rest = std::string_view(object_key).substr(folder == std::string::npos ? 0 : folder + 1);
  return object_key.ends_with('/') || rest.starts_with('.') || rest.find("/.") != std::string_view::npos;
}

// What the alternatives of one pattern want of one bucket.
class Wanted {
 public:
  void add(const std::string& pattern) {
    prefix_ = patterns_.empty() && names_.empty() ? before_wildcard(pattern) : common_start(prefix_, before_wildcard(pattern));
    has_wildcard(pattern) ? patterns_.push_back(pattern) : static_cast<void>(names_.insert(pattern));
  }
  bool is_one_name() const { return patterns_.empty() && names_.size() == 1; }
  const std::string& name() const { return *names_.begin(); }
  const std::string& prefix() const { return prefix_; }

  bool takes(const std::string& object_key) {
    bool is_taken = names_.contains(object_key);
    if (is_taken) found_.insert(object_key);
    for (const std::string& pattern : patterns_) {
      if (is_passed_over(pattern, object_key) || !matches_pattern(pattern, object_key)) continue;
      found_.insert(pattern);
      is_taken = true;
    }
    return is_taken;
  }

  void check_all_found(const std::string& bucket, std::string_view key) const {
    for (const std::string& pattern : patterns_)
      if (!found_.contains(pattern)) throw not_there(key, uri_of(bucket, pattern), "matches no object");
    for (const std::string& one : names_)
      if (!found_.contains(one)) throw not_there(key, uri_of(bucket, one), "does not exist");
  }

 private:
  std::string prefix_;
  std::vector<std::string> patterns_;
  std::set<std::string> names_, found_;  // found_: names and patterns
};

void add_listed(s3::Reader& reader, const std::string& bucket, Wanted& wanted, std::vector<Object>& out) {
  reader.list(wanted.prefix(), [&](const s3::ListedObject& object) {
    if (wanted.takes(object.key)) out.push_back({uri_of(bucket, object.key), bucket, object.key, {object.size, object.etag}});
    return true;
  });
}

}  // namespace

std::vector<Object> list_objects(Buckets& buckets, const std::string& pattern, std::string_view key) {
  std::map<std::string, Wanted> wanted;
  const Glob glob(pattern);
  for (const std::string& one : glob.alternatives()) {
    const ObjectName name = ObjectName::parse(one, key);
    wanted[name.bucket].add(name.key);
  }
  std::vector<Object> objects;
  for (auto& [bucket, of_bucket] : wanted) {
    s3::Reader& reader = buckets.reader(bucket);
    if (of_bucket.is_one_name()) {
      const auto facts = reader.find(of_bucket.name());
      if (!facts) throw not_there(key, uri_of(bucket, of_bucket.name()), "does not exist");
      objects.push_back({uri_of(bucket, of_bucket.name()), bucket, of_bucket.name(), *facts});
      continue;
    }
    add_listed(reader, bucket, of_bucket, objects);
    of_bucket.check_all_found(bucket, key);
  }
  for (Object& object : objects) {  // a listing need not say ETags
    if (!object.facts.etag.empty()) continue;
    const auto facts = buckets.reader(object.bucket).find(object.key);
    if (!facts) throw not_there(key, object.uri, "went away while the run began");
    object.facts = *facts;
    if (object.facts.etag.empty())
      throw PluginError(TRAINHOST_FAILED_PRECONDITION, format("{}: {}: the store says no ETag, so that nobody would notice when the object changes; use a store that does", key, object.uri));
  }
  return objects;
}

}  // namespace trainhost::remote
