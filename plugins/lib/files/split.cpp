#include "files/split.h"

#include <trainhost/cpp/error.hpp>

namespace trainhost {
namespace {

uint64_t finish(uint64_t hash) {
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;  // the finish of splitmix64: FNV alone is weak in its high bits
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

}  // namespace

uint64_t stable_hash(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a, 64 bits
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return finish(hash);
}

uint64_t stable_hash(std::string_view name, uint64_t index) { return finish(stable_hash(name) + (index + 1) * 0x9e3779b97f4a7c15u); }

Split::Split(std::string_view name, double heldout_fraction) : is_all_(name == "all"), is_heldout_(name == "heldout"), heldout_fraction_(heldout_fraction) {
  if (!is_all_ && !is_heldout_ && name != "train") throw PluginError(TRAINHOST_INVALID_ARGUMENT, format("split \"{}\": wanted train, heldout or all", name));
}

std::string Split::text() const { return format("split \"{}\" with heldout_fraction {}", is_all_ ? "all" : is_heldout_ ? "heldout" : "train", heldout_fraction_); }

}  // namespace trainhost
