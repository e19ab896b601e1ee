// Tries each naming, and takes the one that fits.
#include "loop/weight_matching.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "base/error.h"

namespace trainhost {
namespace {

constexpr size_t kShown = 8;  // names of a list in a message

std::string shape_text(const TensorView& tensor) {
  std::string text = tensor.dtype + " [";
  for (size_t i = 0; i < tensor.shape.size(); ++i) text += format("{}{}", i ? ", " : "", tensor.shape[i]);
  return text + "]";
}

std::string listed(const std::vector<std::string>& names, std::string_view separator = ", ") {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? std::string(separator) : "") + names[i];
  return names.size() > kShown ? text + format("{}and {} more", separator, names.size() - kShown) : text;
}

bool is_real(const std::string& dtype) { return dtype == "F64" || dtype == "F32" || dtype == "F16" || dtype == "BF16"; }

bool is_same_value(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.bytes == b.bytes && (a.bytes == 0 || std::memcmp(a.data, b.data, a.bytes) == 0);
}

using ByName = std::map<std::string_view, const TensorView*>;

ByName by_name(std::span<const TensorView> tensors) {
  ByName all;
  for (const TensorView& tensor : tensors) all.emplace(tensor.name, &tensor);
  return all;
}

// What comes of one naming.
struct Trial {
  WeightMatch match;
  size_t num_fitting = 0;  // of the values
  std::vector<std::string> misfits;
};

// Empty when the value can become the tensor.
std::string misfit(const TensorView& own, const InitialTensor& value) {
  TensorView seen = value.value;
  if (value.is_transposed && seen.shape.size() == 2) std::swap(seen.shape[0], seen.shape[1]);
  const bool is_castable = seen.dtype == own.dtype || (is_real(seen.dtype) && is_real(own.dtype));
  if (seen.shape == own.shape && is_castable) return "";
  return format("{} is {} in the model, {} is {} there{}", own.name, shape_text(own), value.value.name, shape_text(value.value), value.is_transposed ? ", where its axes stand the other way round" : "");
}

Trial try_naming(std::span<const TensorView> own, const ByName& found, const Naming& naming) {
  Trial trial;
  trial.match.naming = naming.words;
  const ByName own_by_name = by_name(own);
  std::map<std::string_view, size_t> taken;  // own name -> index of its value
  std::set<std::string_view> used;
  for (const Naming::Name& name : naming.names) {
    const auto tensor = own_by_name.find(name.own);
    const auto value = found.find(name.foreign);
    if (tensor == own_by_name.end() || value == found.end()) continue;
    used.insert(name.foreign);
    const auto [before, is_new] = taken.emplace(tensor->first, trial.match.values.size());
    if (!is_new) {
      const TensorView& first = trial.match.values[before->second].value;
      if (!is_same_value(first, *value->second))
        trial.misfits.push_back(format("{} and {} are one tensor of the model, but have different values there", first.name, name.foreign));
      continue;
    }
    trial.match.values.push_back({name.own, *value->second, name.is_transposed});
    std::string words = misfit(*tensor->second, trial.match.values.back());
    if (words.empty()) ++trial.num_fitting;
    else trial.misfits.push_back(std::move(words));
  }
  for (const TensorView& tensor : own)
    if (!taken.contains(tensor.name)) trial.match.only_in_model.push_back(tensor.name);
  for (const auto& [name, unused] : found)
    if (!used.contains(name)) trial.match.only_in_file.emplace_back(name);
  return trial;
}

// Of two namings the one by which more tensors fit: by the wrong one a few may fit by chance.
bool is_better(const Trial& a, const Trial& b) {
  if (a.num_fitting != b.num_fitting) return a.num_fitting > b.num_fitting;
  return a.misfits.size() < b.misfits.size();
}

bool means_the_same(const WeightMatch& a, const WeightMatch& b) {
  return std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(), [](const InitialTensor& x, const InitialTensor& y) {
    return x.name == y.name && x.value.name == y.value.name && x.is_transposed == y.is_transposed;
  });
}

Error nothing_matches(std::span<const TensorView> own, std::span<const TensorView> found, const std::string& place) {
  std::vector<std::string> wanted, got;
  for (const TensorView& tensor : own) wanted.push_back(tensor.name);
  for (const TensorView& tensor : found) got.push_back(tensor.name);
  return Error(ExitCode::kConfig, format("{}: no tensor there has the name of one of the model's; it holds {}; wanted {}", place, got.empty() ? "none" : listed(got), listed(wanted)));
}

}  // namespace

WeightMatch match_weights(std::span<const TensorView> own, std::span<const TensorView> found, std::span<const Naming> namings, const std::string& place) {
  const ByName found_by_name = by_name(found);
  std::vector<Trial> trials;
  for (const Naming& naming : namings)
    if (Trial trial = try_naming(own, found_by_name, naming); !trial.match.values.empty()) trials.push_back(std::move(trial));
  if (trials.empty()) throw nothing_matches(own, found, place);
  std::stable_sort(trials.begin(), trials.end(), is_better);
  Trial& best = trials.front();
  if (!best.misfits.empty())
    throw Error(ExitCode::kConfig, format("{}: {} of the tensors do not fit (by {}):\n  {}\nchange the model's sizes, or take these tensors out of the file: what is missing there keeps its random start",
                                          place, best.misfits.size(), best.match.naming, listed(best.misfits, "\n  ")));
  for (const Trial& other : std::span(trials).subspan(1))
    if (!is_better(best, other) && !means_the_same(best.match, other.match))
      throw Error(ExitCode::kConfig, format("{}: its tensors fit by {} and by {}, which differ in the order of axes; name a folder with the config.json beside the file, or a checkpoint", place,
                                            best.match.naming, other.match.naming));
  return std::move(best.match);
}

std::string describe(const WeightMatch& match) {
  std::string text = format("{} of {} tensors of the model, by {}", match.values.size(), match.values.size() + match.only_in_model.size(), match.naming);
  if (!match.only_in_model.empty()) text += "; only in the model: " + listed(match.only_in_model);
  if (!match.only_in_file.empty()) text += "; only there: " + listed(match.only_in_file);
  return text;
}

}  // namespace trainhost
