# Installs to a temporary prefix, builds sdk/template outside of the tree against it, runs its test and, where LibTorch is there, trains with it.
# In: BUILD_DIR, SOURCE_DIR, GENERATOR, TORCH
set(work ${BUILD_DIR}/tests/sdk_template)
file(REMOVE_RECURSE ${work})
file(COPY ${SOURCE_DIR}/sdk/template/ DESTINATION ${work}/source)

function(run)
  execute_process(COMMAND ${ARGV} WORKING_DIRECTORY ${work} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\nfailed with ${result}:\n${output}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${work}/prefix)
run(${CMAKE_COMMAND} -S source -B build -G ${GENERATOR} -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH=${work}/prefix)
run(${CMAKE_COMMAND} --build build)
run(${CMAKE_CTEST_COMMAND} --test-dir build --no-tests=error --output-on-failure)
if(TORCH)
  run(${CMAKE_COMMAND} -E env TRAINHOST_PLUGIN_PATH=${work}/build/plugins ${work}/prefix/bin/trainhost run source/example.toml --out runs)
endif()
