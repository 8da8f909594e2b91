package main

import "k8s.io/apimachinery/pkg/util/intstr"

// CanaryStep is a canary's step as its hash sees it: fields in the order of Argo's own type, with the
// brief's duration after setWeight and its inline analysis after Argo's fields. A value typed `any` has
// its keys sorted.
type CanaryStep struct {
	SetWeight      *int32              `json:"setWeight,omitempty"`
	Duration       *intstr.IntOrString `json:"duration,omitempty"`
	Pause          *Pause              `json:"pause,omitempty"`
	Experiment     *Experiment         `json:"experiment,omitempty"`
	Analysis       *Analysis           `json:"analysis,omitempty"`
	SetCanaryScale *SetCanaryScale     `json:"setCanaryScale,omitempty"`
	SetHeaderRoute *SetHeaderRoute     `json:"setHeaderRoute,omitempty"`
	SetMirrorRoute *SetMirrorRoute     `json:"setMirrorRoute,omitempty"`
	Plugin         *Plugin             `json:"plugin,omitempty"`
}

type Pause struct {
	Duration *intstr.IntOrString `json:"duration,omitempty"`
}

type SetCanaryScale struct {
	Weight             *int32 `json:"weight,omitempty"`
	Replicas           *int32 `json:"replicas,omitempty"`
	MatchTrafficWeight bool   `json:"matchTrafficWeight,omitempty"`
}

type StringMatch struct {
	Exact  string `json:"exact,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	Regex  string `json:"regex,omitempty"`
}

type HeaderMatch struct {
	HeaderName  string       `json:"headerName"`
	HeaderValue *StringMatch `json:"headerValue"`
}

type SetHeaderRoute struct {
	Name  string        `json:"name,omitempty"`
	Match []HeaderMatch `json:"match,omitempty"`
}

type RouteMatch struct {
	Method  *StringMatch           `json:"method,omitempty"`
	Path    *StringMatch           `json:"path,omitempty"`
	Headers map[string]StringMatch `json:"headers,omitempty"`
}

type SetMirrorRoute struct {
	Name       string       `json:"name"`
	Match      []RouteMatch `json:"match,omitempty"`
	Percentage *int32       `json:"percentage,omitempty"`
}

type Plugin struct {
	Name   string `json:"name"`
	Config any    `json:"config,omitempty"`
}

type FieldRef struct {
	FieldPath string `json:"fieldPath"`
}

type ValueFrom struct {
	PodTemplateHashValue *string   `json:"podTemplateHashValue,omitempty"`
	FieldRef             *FieldRef `json:"fieldRef,omitempty"`
}

type Argument struct {
	Name      string     `json:"name"`
	Value     string     `json:"value,omitempty"`
	ValueFrom *ValueFrom `json:"valueFrom,omitempty"`
}

type TemplateRef struct {
	TemplateName string `json:"templateName"`
	ClusterScope *bool  `json:"clusterScope,omitempty"`
}

type DryRun struct {
	MetricName string `json:"metricName"`
}

type Retention struct {
	MetricName string `json:"metricName"`
	Limit      int32  `json:"limit"`
}

type Metadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type Analysis struct {
	Templates            []TemplateRef       `json:"templates,omitempty"`
	Args                 []Argument          `json:"args,omitempty"`
	DryRun               []DryRun            `json:"dryRun,omitempty"`
	MeasurementRetention []Retention         `json:"measurementRetention,omitempty"`
	AnalysisRunMetadata  *Metadata           `json:"analysisRunMetadata,omitempty"`
	Interval             *intstr.IntOrString `json:"interval,omitempty"`
	Threshold            *intstr.IntOrString `json:"threshold,omitempty"`
	Metrics              []any               `json:"metrics,omitempty"`
}

type Selector struct {
	MatchLabels      map[string]string `json:"matchLabels,omitempty"`
	MatchExpressions []Requirement     `json:"matchExpressions,omitempty"`
}

type Requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values,omitempty"`
}

type ExperimentService struct {
	Name string `json:"name,omitempty"`
}

type ExperimentTemplate struct {
	Name     string             `json:"name"`
	SpecRef  string             `json:"specRef"`
	Replicas *int32             `json:"replicas,omitempty"`
	Metadata Metadata           `json:"metadata,omitempty"`
	Selector *Selector          `json:"selector,omitempty"`
	Weight   *int32             `json:"weight,omitempty"`
	Service  *ExperimentService `json:"service,omitempty"`
}

type ExperimentAnalysis struct {
	Name                  string     `json:"name"`
	TemplateName          string     `json:"templateName"`
	ClusterScope          *bool      `json:"clusterScope,omitempty"`
	Args                  []Argument `json:"args,omitempty"`
	RequiredForCompletion bool       `json:"requiredForCompletion,omitempty"`
}

type Experiment struct {
	Templates             []ExperimentTemplate `json:"templates"`
	Duration              string               `json:"duration,omitempty"`
	Analyses              []ExperimentAnalysis `json:"analyses,omitempty"`
	DryRun                []DryRun             `json:"dryRun,omitempty"`
	AnalysisRunMetadata   Metadata             `json:"analysisRunMetadata,omitempty"`
	ScaleDownDelaySeconds *int32               `json:"scaleDownDelaySeconds,omitempty"`
}
