// The evaluation sets of a run: each with a source of its own, evaluated with one pass over fixed samples.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "data/evaluation_pass.h"
#include "engine/engine.h"
#include "ledger/ledger.h"
#include "plugin/data_source.h"

namespace trainhost {

struct SetEvaluation {
  std::string set;
  EvaluationResult result;
  double seconds = 0;
  std::optional<ThreadChoice> threads = {};  // chosen in this pass, where it is another number than before
};

class Evaluations {
 public:
  struct Set {
    EvaluationSet config;
    DataSource* source = nullptr;
    uint64_t micro_batch_samples = 1;
    uint64_t threads = kFirstThreads;  // that the next pass begins with
  };
  struct Options {
    uint64_t seed = 0;
    DataConfig data;
    std::function<bool()> is_cancelled;  // asked between batches
  };

  Evaluations(std::vector<Set> sets, Engine& engine, Ledger& ledger, Options options);

  std::span<const Set> sets() const { return sets_; }
  /// Waits for the device. nullopt when cancelled: nothing was changed then. Out of memory halves the set's micro-batches, from here on.
  std::optional<SetEvaluation> evaluate(const std::string& set);

 private:
  std::optional<SetEvaluation> try_evaluate(Set& set);

  std::vector<Set> sets_;
  Engine& engine_;
  Ledger& ledger_;
  Options options_;
};

/// The value of a metric, if the result has it.
std::optional<double> find_metric(const EvaluationResult& result, const std::string& name);

}  // namespace trainhost
