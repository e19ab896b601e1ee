// Signatures against the examples that AWS publishes for S3, and against botocore.
#include <boost/test/unit_test.hpp>

#include <random>

#include "files/crc32c.h"
#include "s3/digest.h"
#include "s3/signer.h"
#include "s3/testing/servers.h"
#include "s3/text.h"

using namespace trainhost::s3;
using trainhost::format;
using namespace trainhost::s3::testing;

namespace {

const Credentials kExample{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
constexpr int64_t kExampleTime = 1369353600;  // Fri, 24 May 2013 00:00:00 GMT

std::string signature(const UnsignedRequest& request, std::string_view payload) {
  const std::string header = signed_headers(request, hex(sha256(payload)), kExample, "us-east-1", kExampleTime).at("authorization");
  return header.substr(header.rfind('=') + 1);
}

/// Letters that are escaped, and letters that are not.
std::string random_text(std::mt19937& generator, size_t longest) {
  static const std::string kLetters = "abzAZ059-_.~ +/=&%?#:@!$'()*,;[]<>\"\\^`{|}\xc3\xa4";
  std::string text(generator() % (longest + 1), 'x');
  for (char& letter : text) letter = kLetters[generator() % (kLetters.size() - 2)];  // the last two bytes only together
  return generator() % 4 == 0 ? text + "\xc3\xa4" : text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(signer_test)

// Examples: "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", Amazon S3 API Reference.
BOOST_AUTO_TEST_CASE(published_get_with_a_range) {
  BOOST_TEST(signature({"GET", "examplebucket.s3.amazonaws.com", "/test.txt", {}, {{"range", "bytes=0-9"}}}, "") ==
             "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

BOOST_AUTO_TEST_CASE(published_put) {
  const UnsignedRequest request{"PUT",
                                "examplebucket.s3.amazonaws.com",
                                "/" + percent_encode("test$file.text", true),
                                {},
                                {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}};
  BOOST_TEST(signature(request, "Welcome to Amazon S3.") == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

BOOST_AUTO_TEST_CASE(published_query_without_a_value) {
  BOOST_TEST(signature({"GET", "examplebucket.s3.amazonaws.com", "/", {{"lifecycle", ""}}}, "") ==
             "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

BOOST_AUTO_TEST_CASE(published_list) {
  BOOST_TEST(signature({"GET", "examplebucket.s3.amazonaws.com", "/", {{"max-keys", "2"}, {"prefix", "J"}}}, "") ==
             "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

BOOST_AUTO_TEST_CASE(any_request_is_signed_as_botocore_does) {
  Server oracle("botocore_signer.py");
  std::mt19937 generator(7);
  for (int number = 0; number < 300; ++number) {
    UnsignedRequest request{number % 2 ? "GET" : "PUT", "127.0.0.1:9000", "/bucket/" + percent_encode(random_text(generator, 30), true)};
    for (const char* name : {"prefix", "continuation-token", "uploadId", "partNumber"})
      if (generator() % 2) request.query[name] = random_text(generator, 12);
    if (generator() % 2) request.headers["range"] = "bytes=0-99";
    if (generator() % 2) request.headers["x-amz-meta-a"] = "v";
    const Credentials keys{"KEY", "secret/" + std::to_string(number), number % 3 ? "" : "token+/="};
    const int64_t time = kExampleTime + number * 86'399;
    const std::string hash = number % 5 ? hex(sha256(std::to_string(number))) : std::string(kUnsignedPayload);
    const Pairs headers = signed_headers(request, hash, keys, "eu-central-1", time);
    std::string words =
        format("{}\t{}\t{}\t{}\t{}\teu-central-1\t{}\t{}", request.method, "http://" + request.host + request.path + "?" + query_text(request.query),
               keys.access_key_id, keys.secret_access_key, keys.session_token, time, hash);
    for (const auto& [name, value] : request.headers) words += "\t" + name + "\t" + value;
    const std::string wanted = oracle.ask("{}", words);
    const std::string& got = headers.at("authorization");
    BOOST_TEST(got.substr(got.rfind('=') + 1) == wanted);
  }
}

BOOST_AUTO_TEST_CASE(escapes_go_both_ways) {
  std::mt19937 generator(3);
  for (int number = 0; number < 200; ++number) {
    const std::string text = random_text(generator, 40);
    BOOST_TEST(percent_decode(percent_encode(text, number % 2)) == text);
  }
  BOOST_TEST(percent_decode("a+b%2") == "a b%2");
}

BOOST_AUTO_TEST_CASE(dates_are_read_in_both_forms) {
  BOOST_TEST(parse_date("Fri, 24 May 2013 00:00:00 GMT") == kExampleTime);
  BOOST_TEST(parse_date("2013-05-24T00:00:00.000Z") == kExampleTime);
  BOOST_TEST(parse_date("yesterday") == 0);
  BOOST_TEST(compact_date(kExampleTime) == "20130524T000000Z");
}

BOOST_AUTO_TEST_CASE(crc32c_is_the_published_one) {
  BOOST_TEST(crc32c_text(trainhost::crc32c(std::as_bytes(std::span("123456789", 9)))) == "4waSgw==");  // 0xe3069283, the check value of CRC-32C
}

BOOST_AUTO_TEST_SUITE_END()
