// What the test plugins have in common: who made them, and parameters declared as rows of a table.
#pragma once

#include "DistrhoPlugin.hpp"

#include <cmath>
#include <initializer_list>

START_NAMESPACE_DISTRHO

inline float gain(float db) { return static_cast<float>(std::pow(10.0, db / 20.0)); }

class TestPlugin : public Plugin {
public:
    TestPlugin(uint32_t parameters, uint32_t states = 0) : Plugin(parameters, 0, states) {}

protected:
    const char* getLabel() const override { return PLUGIN; }
    const char* getMaker() const override { return "tonerig"; }
    const char* getLicense() const override { return "GPL-3.0-or-later"; }
    uint32_t getVersion() const override { return d_version(1, 2, 3); }

    // VST3 knows a plugin by this number, so each has one of its own: a hash of the name (FNV-1a).
    int64_t getUniqueId() const override {
        uint32_t hash = 2166136261u;
        for (const char* letter = PLUGIN; *letter; ++letter) hash = (hash ^ static_cast<uint8_t>(*letter)) * 16777619u;
        return hash;
    }

    static void range(Parameter& parameter, const char* name, const char* unit, float least, float most) {
        parameter.hints = kParameterIsAutomatable;
        parameter.name = name;
        parameter.symbol = String(name).toBasic().toLower();
        parameter.unit = unit;
        parameter.ranges = ParameterRanges(0.0f, least, most);
    }

    static void whole(Parameter& parameter, const char* name, float most) {
        range(parameter, name, "", 0.0f, most);
        parameter.hints |= kParameterIsInteger;
    }

    static void words(Parameter& parameter, const char* name, std::initializer_list<const char*> words) {
        whole(parameter, name, static_cast<float>(words.size() - 1));
        auto* const values = new ParameterEnumerationValue[words.size()];
        uint8_t count = 0;
        for (const char* word : words) {
            values[count].value = count;
            values[count++].label = word;
        }
        parameter.enumValues.count = count;
        parameter.enumValues.restrictedMode = true;
        parameter.enumValues.values = values;
    }

    static void toggle(Parameter& parameter, const char* name) {
        words(parameter, name, {"off", "on"});
        parameter.hints |= kParameterIsBoolean;
    }
};

END_NAMESPACE_DISTRHO
