// The oracle says how Go itself writes and hashes a pod template or a list of canary steps.
//
//	oracle fields   prints the field table that rollouts/podhash.py reads
//	oracle hash     answers each line of JSON ({"template":…,"collisions":…} or {"steps":…}) with one
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/rand"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "fields" {
		print(fields())
		return
	}
	answer()
}

type reply struct {
	JSON string `json:"json"`
	Hash string `json:"hash"`
}

func answer() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		asked := map[string]any{}
		check(utiljson.Unmarshal(lines.Bytes(), &asked)) // whole numbers stay whole, as in an informer
		check(encoder.Encode(reckon(asked)))
	}
	check(lines.Err())
}

func reckon(asked map[string]any) reply {
	raw, ok := asked["template"].(map[string]any)
	if !ok {
		var canary struct {
			Steps []CanaryStep `json:"steps"`
		}
		tolerantly(asked, &canary)
		if len(canary.Steps) == 0 {
			canary.Steps = nil // Argo's controller writes and reads a Rollout anew, by omitempty
		}
		return hashed(canary.Steps, nil)
	}
	var template corev1.PodTemplateSpec
	tolerantly(raw, &template)
	if collisions, ok := asked["collisions"].(int64); ok {
		return hashed(&template, &collisions)
	}
	return hashed(&template, nil)
}

// tolerantly reads as Argo's informers do: what the strict converter refuses is read again as JSON.
func tolerantly(raw map[string]any, into any) {
	if runtime.DefaultUnstructuredConverter.FromUnstructured(raw, into) == nil {
		return
	}
	data, err := json.Marshal(raw)
	check(err)
	_ = json.Unmarshal(data, into)
}

func hashed(value any, collisions *int64) reply {
	data, err := json.Marshal(value)
	check(err)
	sum := fnv.New32a()
	sum.Write(data)
	if collisions != nil {
		tail := make([]byte, 8)
		binary.LittleEndian.PutUint32(tail, uint32(*collisions))
		sum.Write(tail)
	}
	return reply{string(data), rand.SafeEncodeString(fmt.Sprint(sum.Sum32()))}
}

// fields lists, for every struct a template or a step can hold, its JSON fields in order: name, type, and
// whether a zero value is left out. Types are `*T`, `[]T`, `{}T`, a struct's name or a scalar's.
func fields() map[string][][3]string {
	table := map[string][][3]string{}
	describe(reflect.TypeFor[corev1.PodTemplateSpec](), table)
	describe(reflect.TypeFor[CanaryStep](), table)
	return table
}

var scalars = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():  "quantity",
	reflect.TypeFor[intstr.IntOrString](): "intOrString",
	reflect.TypeFor[metav1.Time]():        "time",
	reflect.TypeFor[metav1.FieldsV1]():    "any",
}

func describe(t reflect.Type, table map[string][][3]string) string {
	if name, known := scalars[t]; known {
		return name
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + describe(t.Elem(), table)
	case reflect.Slice:
		return "[]" + describe(t.Elem(), table)
	case reflect.Map:
		return "{}" + describe(t.Elem(), table)
	case reflect.Struct:
		return describeStruct(t, table)
	case reflect.Interface:
		return "any"
	default:
		return t.Kind().String()
	}
}

func describeStruct(t reflect.Type, table map[string][][3]string) string {
	name := t.Name()
	if _, done := table[name]; !done {
		table[name] = nil
		table[name] = rows(t, table)
	}
	return name
}

func rows(t reflect.Type, table map[string][][3]string) (all [][3]string) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case field.Anonymous && name == "":
			all = append(all, rows(field.Type, table)...)
		default:
			all = append(all, [3]string{name, describe(field.Type, table), omission(options)})
		}
	}
	return all
}

func omission(options string) string {
	switch {
	case strings.Contains(options, "omitzero"):
		return "omitzero"
	case strings.Contains(options, "omitempty"):
		return "omitempty"
	default:
		return ""
	}
}

// print writes a struct a block and a field a line, so that a change of the Go types reads well as a diff.
func print(table map[string][][3]string) {
	var structs []string
	for _, name := range slices.Sorted(maps.Keys(table)) {
		var lines []string
		for _, row := range table[name] {
			lines = append(lines, fmt.Sprintf("  [%q, %q, %q]", row[0], row[1], row[2]))
		}
		structs = append(structs, fmt.Sprintf(" %q: [\n%s\n ]", name, strings.Join(lines, ",\n")))
	}
	fmt.Printf("{\n%s\n}\n", strings.Join(structs, ",\n"))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
