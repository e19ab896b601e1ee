// Manifests and records are read strictly: what fuzzing found stays refused.
#include "checkpoint/record.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace trainhost {
BOOST_AUTO_TEST_SUITE(record_test)

namespace {

const Manifest kManifest{"run", "hash", 7, 4096, {{"weights.safetensors", 100, 8, 1234, {5678}}}, {{"stopping_rule/zebra", "1.0.0"}}};
const CommitRecord kRecord{"step-000000000005-a000001-n000001", 7, 815, 42, 1700000000000, {{"heldout/loss", 1.5}}};

// The text with one number replaced.
std::string with(std::string text, std::string_view old, std::string_view other) {
  const size_t at = text.find(old);
  BOOST_REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), other);
}

const std::vector<const char*> kNoWholeNumbers = {"1.5", "-1", "8e88", "18446744073709551616", "true", "\"7\"", "null"};

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  BOOST_TEST(Manifest::parse(kManifest.text()).text() == kManifest.text());
  BOOST_TEST(CommitRecord::parse(kRecord.text()).text() == kRecord.text());
}

BOOST_DATA_TEST_CASE(a_number_that_is_not_whole_is_refused, boost::unit_test::data::make(kNoWholeNumbers), number) {
  for (const char* old : {"\"window\":7", "\"bytes\":100", "\"header_crc32c\":1234", "\"block_bytes\":4096", "\"format\":1"}) {
    const std::string key(old, std::string_view(old).find(':') + 1);
    BOOST_CHECK_THROW(Manifest::parse(with(kManifest.text(), old, key + number)), RecordError);
  }
  BOOST_CHECK_THROW(Manifest::parse(with(kManifest.text(), "[5678]", std::string("[") + number + "]")), RecordError);
  const std::string line(unseal(kRecord.text()));
  for (const char* old : {"\"window\":7", "\"manifest_bytes\":815", "\"manifest_crc32c\":42", "\"unix_ms\":1700000000000"}) {
    const std::string key(old, std::string_view(old).find(':') + 1);
    BOOST_CHECK_THROW(CommitRecord::parse(seal(with(line, old, key + number))), RecordError);
  }
}

BOOST_DATA_TEST_CASE(an_object_outside_of_the_checkpoints_folder_is_refused,
                     boost::unit_test::data::make({"../other/weights.safetensors", "/etc/passwd", "..", ".hidden", "a/b", "", "a\\\\b"}), name) {
  const std::string text = with(kManifest.text(), "weights.safetensors", name);
  BOOST_CHECK_EXCEPTION(Manifest::parse(text), RecordError, [](const RecordError& error) { return std::string(error.what()).find("within the checkpoint's folder") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(a_uri_may_name_one_checkpoint_of_a_store) {
  const CheckpointUri one = split_checkpoint_uri("s3://bucket/run/step-000000000005-a000001-n000002/");
  BOOST_TEST(one.store == "s3://bucket/run");
  BOOST_TEST(one.id->text() == "step-000000000005-a000001-n000002");
  for (const char* whole : {"s3://bucket/run", "file:/a/checkpoints/", "file:step-5", "s3://bucket/step-5-a1-n2"}) {
    BOOST_TEST(split_checkpoint_uri(whole).store == whole);
    BOOST_TEST(!split_checkpoint_uri(whole).id.has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_newer_format_is_told_from_damage) {
  BOOST_CHECK_THROW(Manifest::parse(with(kManifest.text(), "\"format\":1", "\"format\":2")), NewerFormat);
  BOOST_CHECK_EXCEPTION(Manifest::parse(with(kManifest.text(), "\"format\":1", "\"format\":0")), RecordError,
                        [](const RecordError& error) { return dynamic_cast<const NewerFormat*>(&error) == nullptr; });
}

BOOST_AUTO_TEST_CASE(a_checksum_has_32_bits) {
  BOOST_CHECK_THROW(Manifest::parse(with(kManifest.text(), "1234", "4294967296")), RecordError);
  BOOST_CHECK_NO_THROW(Manifest::parse(with(kManifest.text(), "1234", "4294967295")));
}

BOOST_AUTO_TEST_CASE(an_object_that_lies_elsewhere_is_refused) {
  const std::string name = kManifest.objects.front().name;
  for (const char* other : {"", "..", ".", "/etc/passwd", "../other/weights.safetensors", "a/b"})
    BOOST_CHECK_THROW(Manifest::parse(with(kManifest.text(), "\"name\":\"" + name + "\"", std::string("\"name\":\"") + other + "\"")), RecordError);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace trainhost
