/* One function of each T0 kind that does nothing and says OK: what a call costs by itself. */
#ifndef TRAINHOST_BENCH_IDLE_H
#define TRAINHOST_BENCH_IDLE_H

#include <trainhost/accumulation_schedule.h>
#include <trainhost/checkpoint_backend.h>
#include <trainhost/data_source.h>
#include <trainhost/lr_schedule.h>
#include <trainhost/observer.h>
#include <trainhost/precision_policy.h>
#include <trainhost/stopping_rule.h>

#ifdef __cplusplus
extern "C" {
#endif

trainhost_status idle_plan(trainhost_instance*, const trainhost_device_facts*, trainhost_precision_plan*, trainhost_error*);
trainhost_status idle_next_window(trainhost_instance*, const trainhost_progress*, trainhost_window*, trainhost_error*);
trainhost_status idle_out_of_memory(trainhost_instance*, const trainhost_window*, uint64_t, uint64_t*, trainhost_error*);
trainhost_status idle_info(trainhost_instance*, trainhost_source_info*, trainhost_error*);
trainhost_status idle_read(trainhost_instance*, const trainhost_read*, const trainhost_batch_writer*, trainhost_error*);
trainhost_status idle_create_object(trainhost_instance*, trainhost_string, const void*, uint64_t, trainhost_error*);
trainhost_status idle_check(trainhost_instance*, const trainhost_progress*, const trainhost_metric*, uint64_t, trainhost_verdict*, trainhost_error*);
trainhost_status idle_factors(trainhost_instance*, const trainhost_progress*, const double*, uint64_t, double*, trainhost_error*);
trainhost_status idle_on_event(trainhost_instance*, const trainhost_event*, trainhost_error*);

#ifdef __cplusplus
}
#endif
#endif
