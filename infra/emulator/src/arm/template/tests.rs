//! What the template language makes of templates, against the documentation's own examples.

use serde_json::json;

use super::*;

fn context() -> Context {
    Context {
        group: json!({
            "id": "/subscriptions/s/resourceGroups/rg", "name": "rg", "location": "eastus",
        }),
        subscription: json!({"id": "/subscriptions/s", "subscriptionId": "s", "tenantId": "t"}),
        deployment: json!({"name": "d"}),
        now: "2021-11-04T05:06:07Z".parse().unwrap(),
        seed: uuid::Uuid::nil(),
    }
}

/// Evaluates one expression by way of an output.
fn evaluate(expression: &str) -> Result<Value, String> {
    let kinds = ["string", "int", "bool", "array", "object"];
    let mut last = String::new();
    for kind in kinds {
        let template = json!({"outputs": {"o": {"type": kind, "value": expression}}});
        let made = outputs(&template, &Default::default(), &context(), &Plan::default(), None);
        match made {
            Ok(outputs) => return Ok(outputs.unwrap()["o"]["value"].clone()),
            Err(failure) => last = failure.message,
        }
    }
    Err(last)
}

#[test]
fn functions_give_what_their_documentation_says() {
    let cases = [
        ("[concat('a', '-', 1)]", json!("a-1")),
        ("[concat(createArray(1), createArray(2))]", json!([1, 2])),
        (
            "[format('{0}, {1}. {0,5}|{2:D3} {{x}}', 'Hello', 'you', 7)]",
            json!("Hello, you. Hello|007 {x}"),
        ),
        ("[resourceGroup().location]", json!("eastus")),
        ("[subscription().subscriptionId]", json!("s")),
        (
            "[resourceId('Microsoft.Compute/disks', 'd')]",
            json!("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/disks/d"),
        ),
        (
            "[resourceId('other', 'Microsoft.X/a/b', 'n', 'm')]",
            json!("/subscriptions/s/resourceGroups/other/providers/Microsoft.X/a/n/b/m"),
        ),
        (
            "[subscriptionResourceId('Microsoft.X/a', 'n')]",
            json!("/subscriptions/s/providers/Microsoft.X/a/n"),
        ),
        ("[toLower('ABC')]", json!("abc")),
        ("[substring('one two three', 4, 3)]", json!("two")),
        ("[replace('123-123', '-', '')]", json!("123123")),
        ("[split('one;two,three', createArray(';', ','))]", json!(["one", "two", "three"])),
        ("[join(createArray('a', 'b'), '+')]", json!("a+b")),
        ("[length('abc')]", json!(3)),
        ("[contains(createArray(1, 2), 2)]", json!(true)),
        ("[empty('')]", json!(true)),
        ("[first(createArray('x', 'y'))]", json!("x")),
        ("[last('abc')]", json!("c")),
        ("[union(createArray(1, 2), createArray(2, 3))]", json!([1, 2, 3])),
        ("[intersection(createArray(1, 2), createArray(2, 3))]", json!([2])),
        ("[createObject('a', 1).a]", json!(1)),
        ("[if(equals(1, 2), parameters('missing'), 'no')]", json!("no")),
        ("[and(false(), parameters('missing'))]", json!(false)),
        ("[greaterOrEquals(add(1, mul(2, 3)), sub(10, 3))]", json!(true)),
        ("[div(-7, 2)]", json!(-3)),
        ("[mod(7, 3)]", json!(1)),
        ("[min(createArray(0, 3, 2))]", json!(0)),
        ("[max(1, 5)]", json!(5)),
        ("[range(5, 3)]", json!([5, 6, 7])),
        ("[trim('  a ')]", json!("a")),
        ("[startsWith('Abc', 'aB')]", json!(true)),
        ("[padLeft('123', 5, '0')]", json!("00123")),
        ("[base64('one, two')]", json!("b25lLCB0d28=")),
        ("[base64ToString(base64('é'))]", json!("é")),
        ("[json('{\"a\": [1]}').a[0]]", json!(1)),
        ("[coalesce(null(), 'x')]", json!("x")),
        ("[take('abcdef', 2)]", json!("ab")),
        ("[skip(createArray(1, 2, 3), 2)]", json!([3])),
        ("[indexOf('abCd', 'cd')]", json!(2)),
        ("[lastIndexOf('test', 't')]", json!(3)),
        ("[uri('http://contoso.org/first/', 'x.json')]", json!("http://contoso.org/first/x.json")),
        ("[int('42')]", json!(42)),
        ("[bool('True')]", json!(true)),
        ("[string(true())]", json!("True")),
        ("[createArray(createObject('k', createArray('v')))[0].k[0]]", json!("v")),
        ("[[escaped]", json!("[escaped]")),
        ("plain", json!("plain")),
        ("[length(uniqueString('a'))]", json!(13)),
        ("[equals(guid('a'), guid('b'))]", json!(false)),
    ];
    for (expression, expected) in cases {
        assert_eq!(evaluate(expression).as_ref(), Ok(&expected), "{expression}");
    }
}

#[test]
fn what_cannot_be_evaluated_is_refused_with_its_name() {
    for (expression, part) in [
        ("[listKeys('a', 'b')]", "The template function 'listKeys' is not valid"),
        ("[concat('a'", "plain"),
        ("[concat('a')b]", "is not expected"),
        ("[div(1, 0)]", "'div'"),
        ("[add(9223372036854775807, 1)]", "'add'"),
        ("[utcNow()]", "default value of a parameter"),
        ("[variables('none')]", "The template variable 'none' is not found"),
        ("[copyIndex()]", "copyIndex"),
        ("[toLower('a', 'b')]", "requires 1 argument(s) while 2 were provided"),
        ("[range(0, 10001)]", "'range'"),
        ("[resourceGroup().nothing]", "property 'nothing' doesn't exist"),
    ] {
        match evaluate(expression) {
            Err(why) => assert!(why.contains(part), "{expression}: {why}"),
            // Without its end it is a plain text.
            Ok(value) => assert_eq!((value, part), (json!(expression), "plain")),
        }
    }
}

fn planned(template: &Value) -> Result<Plan, Failure> {
    let bound = bind(template, &Default::default(), &context())?;
    plan(template, &bound.values, &context(), None)
}

#[test]
fn loops_conditions_and_dependencies_make_the_plan() {
    let template = json!({
        "parameters": {"count": {"type": "int", "defaultValue": 2}},
        "variables": {
            "prefix": "[concat('s', string(parameters('count')))]",
            "copy": [{"name": "names", "count": 2, "input": "[concat(variables('prefix'), copyIndex('names', 1))]"}],
        },
        "resources": [
            {
                "type": "Microsoft.Compute/snapshots", "apiVersion": "1",
                "name": "[variables('names')[copyIndex()]]", "location": "[resourceGroup().location]",
                "copy": {"name": "snaps", "count": "[parameters('count')]", "mode": "serial", "batchSize": 1},
                "properties": {"copy": [{"name": "list", "count": 2, "input": {"at": "[copyIndex('list')]"}}]},
                "dependsOn": ["[resourceId('Microsoft.Compute/disks', 'd')]", "off"],
            },
            {"type": "Microsoft.Compute/disks", "apiVersion": "1", "name": "d", "scale": null},
            {"type": "Microsoft.Compute/disks", "apiVersion": "1", "name": "off", "condition": false},
            {
                "type": "Microsoft.Compute/disks", "apiVersion": "1", "name": "last",
                "properties": {"a": "[reference('d').uniqueId]", "b": 1}, "dependsOn": ["snaps"],
            },
        ],
    });
    let plan = planned(&template).unwrap();
    let names: Vec<_> = plan.resources.iter().map(|each| each.known.name.as_str()).collect();
    assert_eq!(names, ["s21", "s22", "d", "last"]);
    let depends: Vec<_> = plan.resources.iter().map(|each| each.depends.clone()).collect();
    assert_eq!(depends, [vec![2], vec![0, 2], vec![], vec![0, 1, 2]]);
    let body = plan.resources[0].body.as_ref().unwrap();
    assert_eq!(
        *body,
        json!({"location": "eastus", "properties": {"list": [{"at": 0}, {"at": 1}]}})
    );
    assert!(plan.resources[3].body.is_none());
    assert_eq!(plan.resources[2].body, Some(json!({})));
}

#[test]
fn wrong_templates_are_refused() {
    let disk = |name: &str, depends: Value| json!({"type": "Microsoft.Compute/disks", "apiVersion": "1", "name": name, "dependsOn": depends});
    for (template, part) in [
        (
            json!({"resources": [disk("a", json!(["b"])), disk("b", json!(["a"]))]}),
            "Circular dependency",
        ),
        (json!({"resources": [disk("a", json!(["x"]))]}), "'x' is not defined in the template"),
        (
            json!({"resources": [disk("a", json!([])), disk("A", json!([]))]}),
            "defined multiple times",
        ),
        (json!({"resources": [disk("a/b", json!([]))]}), "incorrect segment lengths"),
        (
            json!({"resources": [{"type": "Microsoft.Compute/disks", "name": "a"}]}),
            "api version is required",
        ),
        (json!({"parameters": {"p": {"type": "string"}}}), "parameter 'p'"),
        (
            json!({"parameters": {"p": {"type": "string", "defaultValue": "x", "allowedValues": ["a", "b"]}}}),
            "not part of the allowed value(s): 'a,b'",
        ),
        (
            json!({"parameters": {"p": {"type": "int", "defaultValue": "x"}}}),
            "Expected 'Integer'. Actual 'String'",
        ),
        (
            json!({"parameters": {"p": {"type": "int", "defaultValue": 1, "minValue": 2}}}),
            "minimum value '2'",
        ),
        (
            json!({"parameters": {"p": {"type": "string", "defaultValue": "abc", "maxLength": 2}}}),
            "less than or equal to '2'",
        ),
        (
            json!({"variables": {"a": "[variables('b')]", "b": "[variables('a')]"}}),
            "is defined by itself",
        ),
        (json!({"resources": 5}), "'resources'"),
    ] {
        let failure = planned(&template).map(|_| ()).unwrap_err();
        assert_eq!((failure.status, failure.code.as_str()), (400, "InvalidTemplate"));
        assert!(failure.message.contains(part), "{}", failure.message);
    }
}

#[test]
fn a_template_that_grows_without_end_is_refused() {
    let mut variables = serde_json::Map::new();
    variables.insert("v0".into(), json!("0123456789"));
    for n in 1..60 {
        let twice = format!("[createArray(variables('v{}'), variables('v{}'))]", n - 1, n - 1);
        variables.insert(format!("v{n}"), json!(twice));
    }
    let failure = planned(&json!({"variables": variables})).map(|_| ()).unwrap_err();
    assert!(failure.message.contains("too complex"), "{}", failure.message);
}

#[test]
fn a_chain_of_variables_without_end_is_refused() {
    let mut variables = serde_json::Map::new();
    variables.insert("v0".into(), json!("x"));
    for n in 1..250 {
        variables.insert(format!("v{n}"), json!(format!("[variables('v{}')]", n - 1)));
    }
    // Whichever is asked for first, the whole chain hangs on it.
    let template = json!({"variables": variables, "outputs": {}});
    let failure = planned(&template).map(|_| ()).unwrap_err();
    assert!(failure.message.contains("too complex"), "{}", failure.message);
}

#[test]
fn a_default_may_be_made_of_parameters_in_any_order() {
    let template = json!({"parameters": {
        "a": {"type": "string", "defaultValue": "[concat(parameters('b'), '1')]"},
        "b": {"type": "string", "defaultValue": "[concat(parameters('c'), '2')]"},
        "c": {"type": "string"},
    }});
    let given = json!({"c": {"value": "x"}});
    let bound = bind(&template, given.as_object().unwrap(), &context()).unwrap();
    assert_eq!(bound.values["a"], "x21");
    let around =
        json!({"parameters": {"a": {"type": "string", "defaultValue": "[parameters('a')]"}}});
    assert!(bind(&around, &Default::default(), &context()).is_err());
}

#[test]
fn a_reference_in_a_loop_of_properties_is_a_dependency() {
    let disk = |name: &str, properties: Value| json!({"type": "Microsoft.Compute/disks", "apiVersion": "1", "name": name, "properties": properties});
    let looped = json!({"copy": [{"name": "list", "count": 2, "input": "[reference('b').x]"}]});
    let template = json!({"resources": [disk("a", looped), disk("b", json!({}))]});
    assert_eq!(planned(&template).unwrap().resources[0].depends, [1]);
}

#[test]
fn names_in_answers_are_in_camel_case() {
    for (name, shown) in
        [("NewNSG", "newNSG"), ("VMName", "vmName"), ("name", "name"), ("ID", "id"), ("A", "a")]
    {
        assert_eq!(camel(name), shown);
    }
}
