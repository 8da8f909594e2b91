module tidegate.dev/condition-oracle

go 1.24.0

require github.com/expr-lang/expr v1.17.8
