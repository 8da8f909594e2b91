// The condition language as expr-lang itself understands it: one JSON line in, one out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"

	"github.com/expr-lang/expr"
)

type question struct {
	Condition string
	Vector    []string
	Scalar    string
	Null      bool
}

type answer struct {
	Verdict string `json:"verdict"`
	Error   string `json:"error,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		said, _ := json.Marshal(judge(asked))
		fmt.Println(string(said))
	}
}

func judge(asked question) (said answer) {
	defer func() {
		if problem := recover(); problem != nil {
			said = answer{"error", fmt.Sprint(problem)}
		}
	}()
	env := world(measured(asked))
	program, err := expr.Compile(asked.Condition, expr.Env(env))
	if err != nil {
		return answer{"error", err.Error()}
	}
	value, err := expr.Run(program, env)
	if err != nil {
		return answer{"error", err.Error()}
	}
	if verdict, isBool := value.(bool); isBool {
		return answer{strconv.FormatBool(verdict), ""}
	}
	return answer{"error", fmt.Sprintf("expected bool, got %T", value)}
}

func measured(asked question) any {
	if asked.Null {
		return nil
	}
	if asked.Scalar != "" {
		return number(asked.Scalar)
	}
	values := []float64{}
	for _, text := range asked.Vector {
		values = append(values, number(text))
	}
	return values
}

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(err)
	}
	return value
}

// The functions that rollouts' documentation promises beside the language's own.
func world(result any) map[string]any {
	return map[string]any{
		"result":  result,
		"asInt":   func(value any) int64 { return whole(value) },
		"asFloat": func(value any) float64 { return real_(value) },
		"isNaN":   math.IsNaN,
		"isInf":   func(value float64) bool { return math.IsInf(value, 0) },
		"isNil":   func(value any) bool { return value == nil },
		"default": func(value any, instead any) any {
			if value == nil {
				return instead
			}
			return value
		},
	}
}

func whole(value any) int64 {
	switch given := value.(type) {
	case int:
		return int64(given)
	case float64:
		return int64(given)
	case string:
		number, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			panic(err)
		}
		return number
	}
	panic(fmt.Sprintf("asInt() not supported on type %T", value))
}

func real_(value any) float64 {
	switch given := value.(type) {
	case int:
		return float64(given)
	case float64:
		return given
	case string:
		return number(given)
	}
	panic(fmt.Sprintf("asFloat() not supported on type %T", value))
}
