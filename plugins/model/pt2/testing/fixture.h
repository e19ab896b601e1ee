// The plugin under test, its bundles, and the fields and batches that feed them.
#pragma once

#include <boost/test/unit_test.hpp>

#include <ATen/ops/randint.h>

#include <map>
#include <nlohmann/json.hpp>
#include <trainhost/testing.hpp>
#include <trainhost/torch/model.h>

#include "python.h"

namespace pt2_testing {

namespace t2 = trainhost::t2;
using nlohmann::json;
using trainhost::Field;
using trainhost::PluginError;

// The bundle of a model of models.py; all of `names` are written at once, the first time that one is wanted.
inline std::string written(const std::string& name, const std::string& names) {
  static std::map<std::string, Folder> folders;
  const auto [folder, is_new] = folders.try_emplace(names);
  if (is_new)
    python("'" + std::string(std::getenv("TRAINHOST_SOURCE_DIR")) + "/plugins/model/pt2/testing/write_bundles.py' '" + folder->second.path.string() + "' " + names);
  return (folder->second.path / (name + ".thm")).string();
}

inline std::string config_of(const std::string& file) { return json{{"bundle", file}}.dump(); }

struct Pt2 {
  trainhost::testing::PluginUnderTest plugin;
  explicit Pt2(const std::string& file) { plugin.create(config_of(file)).start(); }
  t2::Model& model() { return const_cast<t2::Model&>(plugin.table<t2::Model>(t2::Model::kInterface)); }
  t2::ModelFile& file() { return const_cast<t2::ModelFile&>(plugin.table<t2::ModelFile>(t2::ModelFile::kInterface)); }
  Pt2& build(const std::vector<Field>& fields, uint64_t seed = 1) {
    model().build({fields, at::Device(at::kCPU), at::kFloat, seed});
    return *this;
  }
};

inline Field tokens(int64_t length = 16, int64_t classes = 32) { return {"tokens", TRAINHOST_FIELD_INPUT, trainhost::kUInt8, {length}, {}, classes, 0}; }
inline Field targets(int64_t length = 16, int64_t classes = 32) { return {"targets", TRAINHOST_FIELD_TARGET, trainhost::kInt64, {length}, {}, classes, -1}; }
inline Field x() { return {"x", TRAINHOST_FIELD_INPUT, trainhost::kFloat32, {3}, {}, 0, 0}; }
inline Field y() { return {"y", TRAINHOST_FIELD_TARGET, trainhost::kFloat32, {2}, {}, 0, 0}; }

inline t2::Batch text(int64_t samples, int64_t length, int64_t classes = 32) {
  const at::Tensor words = at::randint(classes, {samples, length}, at::TensorOptions(at::kLong));
  return {{{"tokens", words.to(at::kByte)}, {"targets", words}}, static_cast<uint64_t>(samples)};
}

template <class Body>
std::string complaint(Body&& body) {
  try {
    body();
  } catch (const PluginError& error) {
    return error.message;
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "no complaint";
}

inline void require_words(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* word : words) BOOST_TEST(text.find(word) != std::string::npos, "\"" << word << "\" is missing in: " << text);
}

}  // namespace pt2_testing
