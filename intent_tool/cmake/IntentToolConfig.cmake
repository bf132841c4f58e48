# Intents in a CMake project, 3.20 or newer, with the Makefile and Ninja generators:
#
#   cmake -B build -DIntentTool_DIR="$(intent-tool cmake-dir)"
#
#   find_package(IntentTool REQUIRED)
#   intent_add_library(sums average_floor.intent clamp.intent)
#   target_link_libraries(app PRIVATE sums)
#
# intent_add_library(NAME [TARGET T] [EVIDENCE LEVEL] [LOCKED] FILE.intent...)
#
#   adds a static library of functions, with the folder of their headers as its PUBLIC include directory. TARGET names
#   intent-tool's target; without it, the variable IntentTool_TARGET does, and without that CMAKE_SYSTEM_PROCESSOR.
#   EVIDENCE is the least that is good enough: tested (default), bounded or proved. With LOCKED, only code will do that
#   is in intents.lock in PROJECT_SOURCE_DIR. The code is position-independent.
#   Intents may use others inside PROJECT_SOURCE_DIR, whose targets/ may hold records of more targets.
#
# IntentTool_EXECUTABLE is the command that is called.

if(CMAKE_VERSION VERSION_LESS 3.20)
    set(IntentTool_NOT_FOUND_MESSAGE "CMake 3.20 or newer is needed; this is ${CMAKE_VERSION}.")
    set(IntentTool_FOUND FALSE)
    return()
endif()
# The functions below keep these policies, CMP0116 (relative paths in depfiles under Ninja) among them.
cmake_policy(VERSION 3.20)

# The command that belongs to this file, which is <prefix>/lib/python3.x/site-packages/intent_tool/cmake/…, before any
# other on PATH. It runs here, whatever is built for.
get_filename_component(_intent_tool_prefix "${CMAKE_CURRENT_LIST_DIR}/../../../../.." ABSOLUTE)
find_program(IntentTool_EXECUTABLE intent-tool HINTS "${_intent_tool_prefix}/bin" NO_CMAKE_FIND_ROOT_PATH
             DOC "The command intent-tool")
unset(_intent_tool_prefix)
if(NOT IntentTool_EXECUTABLE OR NOT EXISTS "${IntentTool_EXECUTABLE}")
    set(IntentTool_NOT_FOUND_MESSAGE
        "There is no command intent-tool (IntentTool_EXECUTABLE is ${IntentTool_EXECUTABLE}). Install it with `pip install intent-tool`, or name it: -DIntentTool_EXECUTABLE=/path/to/intent-tool.")
    set(IntentTool_FOUND FALSE)
    return()
endif()

function(intent_add_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "LOCKED" "TARGET;EVIDENCE" "")
    set(locked "")
    if(arg_LOCKED)
        set(locked --locked)
    endif()
    set(call "intent_add_library(${name})")
    foreach(keyword IN LISTS arg_KEYWORDS_MISSING_VALUES)
        message(FATAL_ERROR "${call}: ${keyword} has no value.")
    endforeach()
    if(NOT arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "${call}: no .intent file is named.")
    endif()
    if(NOT arg_EVIDENCE)
        set(arg_EVIDENCE tested)
    elseif(NOT arg_EVIDENCE MATCHES "^(tested|bounded|proved)$")
        message(FATAL_ERROR "${call}: EVIDENCE is tested, bounded or proved, not ${arg_EVIDENCE}.")
    endif()
    if(NOT arg_TARGET)
        _intent_tool_target("${call}" arg_TARGET)
    endif()
    _intent_tool_check_target("${call}" "${arg_TARGET}")

    # Of this library alone: two libraries may hold the same intent and build at the same time.
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}.intents")
    set(outputs "")
    foreach(file IN LISTS arg_UNPARSED_ARGUMENTS)
        get_filename_component(intent "${file}" ABSOLUTE)
        get_filename_component(extension "${file}" LAST_EXT)
        if(NOT extension STREQUAL ".intent")
            message(FATAL_ERROR "${call}: ${file} is no .intent file; add other sources to the target that links ${name}.")
        endif()
        get_source_file_property(generated "${intent}" GENERATED)
        if(NOT generated AND NOT EXISTS "${intent}")
            message(FATAL_ERROR "${call}: there is no file ${intent}.")
        endif()
        get_filename_component(stem "${file}" NAME_WLE)
        set(base "${folder}/${stem}")
        if("${base}.o" IN_LIST outputs)
            message(FATAL_ERROR "${call}: two files are named ${stem}.intent; put one into a library of its own.")
        endif()
        add_custom_command(
            OUTPUT "${base}.o" "${base}.h"
            COMMAND "${IntentTool_EXECUTABLE}" build "${intent}" --root "${PROJECT_SOURCE_DIR}"
                    --target "${arg_TARGET}" --evidence "${arg_EVIDENCE}" ${locked}
                    -o "${base}.o" --header "${base}.h" -MD "${base}.d"
            DEPENDS "${intent}" "${IntentTool_EXECUTABLE}"
            DEPFILE "${base}.d"
            COMMENT "Building ${stem}.intent for ${arg_TARGET}"
            VERBATIM)
        set_source_files_properties("${base}.o" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
        list(APPEND outputs "${base}.o" "${base}.h")
    endforeach()

    get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
    if("C" IN_LIST languages)
        set(language C)
    elseif("CXX" IN_LIST languages)
        set(language CXX)
    else()
        message(FATAL_ERROR "${call}: a library needs the archiver of C or C++: enable one in project().")
    endif()
    add_library(${name} STATIC ${outputs})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE ${language} POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${folder}>")
endfunction()

# Sets `variable` to the target of what CMake builds for.
function(_intent_tool_target call variable)
    string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
    if(IntentTool_TARGET)
        set(target "${IntentTool_TARGET}")
    elseif(processor MATCHES "^(x86_64|amd64)$")
        set(target x86_64)
    elseif(processor MATCHES "^(aarch64|arm64)$")
        set(target arm64)
    elseif(processor STREQUAL "riscv64")
        set(target riscv64)
    else()
        message(FATAL_ERROR "${call}: no target is known for CMAKE_SYSTEM_PROCESSOR \"${CMAKE_SYSTEM_PROCESSOR}\". "
                "Set it in the toolchain file (x86_64, aarch64, riscv64), or name a target of `intent-tool targets` "
                "with TARGET or in IntentTool_TARGET.")
    endif()
    set(${variable} "${target}" PARENT_SCOPE)
endfunction()

# Stops when intent-tool knows no such target, which the build would say much later.
function(_intent_tool_check_target call target)
    string(TOLOWER "${target}" target)
    get_property(known DIRECTORY "${PROJECT_SOURCE_DIR}" PROPERTY _INTENT_TOOL_TARGETS)
    if(NOT known)
        execute_process(
            COMMAND "${IntentTool_EXECUTABLE}" targets --json --root "${PROJECT_SOURCE_DIR}"
            RESULT_VARIABLE status OUTPUT_VARIABLE json ERROR_VARIABLE errors)
        if(NOT status EQUAL 0)
            message(FATAL_ERROR "${call}: ${IntentTool_EXECUTABLE} does not work (${status}):\n${json}${errors}\n"
                    "Install it anew with `pip install intent-tool`, or name another in IntentTool_EXECUTABLE.")
        endif()
        string(JSON count LENGTH "${json}" targets)
        math(EXPR last "${count} - 1")
        foreach(i RANGE ${last})
            string(JSON record GET "${json}" targets ${i})
            string(JSON name GET "${record}" name)
            list(APPEND known "${name}")
            string(JSON aliases GET "${record}" aliases)
            string(REGEX MATCHALL "[a-z0-9_.-]+" aliases "${aliases}")
            list(APPEND known ${aliases})
        endforeach()
        set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" PROPERTY _INTENT_TOOL_TARGETS "${known}")
    endif()
    if(NOT target IN_LIST known)
        list(JOIN known ", " known)
        message(FATAL_ERROR "${call}: intent-tool knows no target ${target}, only: ${known}. "
                "Name one with TARGET or in IntentTool_TARGET.")
    endif()
endfunction()
