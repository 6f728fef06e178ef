//! What is not understood is refused, by file and logical id, and all of it at once.

use expect_test::{Expect, expect};

use crate::workshop::{load, load_tree};

fn refused(name: &str, template: &str, wanted: &Expect) {
    wanted.assert_eq(&load(name, template).unwrap_err().to_string());
}

#[test]
fn every_fault_of_a_template_is_named_at_once() {
    let template = r#"
Parameters:
  Lost: {Type: String}
  Odd: {Type: AWS::SSM::Parameter::Value<String>, Default: x}
Resources:
  Sell:
    Type: AWS::Serverless::Function
    Properties:
      Handler: cart.store.sell
      Timeout: soon
      Environment:
        Variables:
          A: !Cidr [1, 2]
          B: !Ref Nobody
          C: !GetAtt Mail.Nothing
          D: !ImportValue there
          E: !Sub "${unclosed"
          F: !Ref Odd
          G: !Ref AWS::Moon
          H: [a, list]
          I: !If [Never, a, b]
      Policies:
        - AmazonS3FullAccess
        - DynamoDBCrudPolicy: {TableName: x}
        - Statement: [{Sid: Wide, Effect: Allow, NotAction: a, Resource: '*'}]
      Events:
        Dropped: {Type: S3, Properties: {Bucket: x}}
        Nightly: {Type: Schedule, Properties: {Schedule: cron(0 4 * * ? *)}}
        Picky:
          Type: DynamoDB
          Properties:
            Stream: arn:aws:dynamodb:eu-central-1:000000000000:table/none/stream/now
            StartingPosition: LATEST
            TumblingWindowInSeconds: 5
            FilterCriteria: {Filters: [{Pattern: '{"a":[{"numeric":["=",1]}]}'}]}
  Again: {Type: AWS::Serverless::Function, Properties: {Handler: cart.store.sell}}
  Mail:
    Type: AWS::SQS::Queue
    Properties: {QueueName: m, RedrivePolicy: {deadLetterTargetArn: 'a:b', maxReceiveCount: 5}}
  Nameless: {Type: AWS::SecretsManager::Secret}
  Raw: {Type: AWS::Lambda::EventSourceMapping}
"#;
    let wanted = expect![[r#"
        template.yaml: Parameters: parameter `Lost` of template.yaml is not given
        template.yaml: Sell: Timeout must be a number, not "soon"
        template.yaml: Sell: the function `Cidr` is not understood here
        template.yaml: Sell: `Nobody` is neither a parameter nor a resource here
        template.yaml: Sell: the attribute Nothing of `Mail`, AWS::SQS::Queue, is not known
        template.yaml: Sell: the function `ImportValue` is not understood here
        template.yaml: Sell: Sub has a `${` without its `}`
        template.yaml: Odd: the parameter type `AWS::SSM::Parameter::Value<String>` is not known here
        template.yaml: Sell: the pseudo parameter `AWS::Moon` is not known here
        template.yaml: Sell: a text is needed here, not ["a","list"]
        template.yaml: Sell: there is no condition `Never`
        template.yaml: Sell: a policy must be a list of statements, not "AmazonS3FullAccess"
        template.yaml: Sell: a policy must be a list of statements, not {"DynamoDBCrudPolicy":{"TableName":"x"}}
        template.yaml: Sell: the statement Wide has a NotAction, which is not understood here
        template.yaml: Sell: Wide needs an Effect, an Action and a Resource
        template.yaml: Sell: the event Dropped: the event type `S3` is not understood here
        template.yaml: Sell: the event Nightly: `cron(0 4 * * ? *)` is not a rate(…)
        template.yaml: Sell: the event Picky: the property TumblingWindowInSeconds is not understood here
        template.yaml: Sell: the event Picky: the filter on `a` has a matcher not known here: {"numeric":["=",1]}
        template.yaml: Sell: the event Picky: FilterCriteria without a filter
        template.yaml: Nameless: needs an explicit Name
        template.yaml: Raw: AWS::Lambda::EventSourceMapping is not understood here
        template.yaml: Sell: there is no table `none` with a stream
        template.yaml: Again: the Handler cart.store.sell is already taken by Sell
        template.yaml: Mail: there is no dead-letter queue `b`"#]];
    refused("all-faults", template, &wanted);
}

#[test]
fn arguments_are_neither_missing_nor_superfluous() {
    let root = "
Resources:
  Cart:
    Type: AWS::Serverless::Application
    Properties: {Location: cart.yaml, Parameters: {Table: carts, Tabel: carts}}
  Gone: {Type: AWS::Serverless::Application, Properties: {Location: gone.yaml}}
";
    let cart = "
Parameters:
  Table: {Type: String, AllowedValues: [orders]}
  Queue: {Type: String}
Resources:
  Sell:
    Type: AWS::Serverless::Function
    Properties: {Handler: cart.store.sell, Environment: {Variables: {T: !Ref Table}}}
";
    let files = [("template.yaml", root), ("cart.yaml", cart)];
    let faults = load_tree("arguments", &files, &[("Prefix", "flux")]).unwrap_err();
    expect![[r#"
        gone.yaml: -: cannot be read: No such file or directory (os error 2)
        template.yaml: Parameters: parameter `Prefix` is not one of template.yaml
        template.yaml: Cart: parameter `Queue` of cart.yaml is not given
        template.yaml: Cart: parameter `Tabel` is not one of cart.yaml
        cart.yaml: Table: `carts` is not one of its AllowedValues"#]]
    .assert_eq(&faults.to_string());
}

#[test]
fn a_circle_ends() {
    let root = "
Resources:
  Cart:
    Type: AWS::Serverless::Application
    Properties: {Location: cart.yaml, Parameters: {Table: !GetAtt Cart.Outputs.Table}}
";
    let cart = "
Parameters:
  Table: {Type: String}
Conditions:
  Is: !Equals [!Ref Table, x]
Resources:
  Sell:
    Type: AWS::Serverless::Function
    Condition: Is
    Properties: {Handler: cart.store.sell}
  Own:
    Type: AWS::Serverless::Application
    Properties: {Location: cart.yaml, Parameters: {Table: x}}
Outputs:
  Table: {Value: !Ref Table}
";
    let files = [("template.yaml", root), ("cart.yaml", cart)];
    let faults = load_tree("circle", &files, &[]).unwrap_err();
    expect![[r#"
        cart.yaml: Own: nested stacks nest too deep
        cart.yaml: Table: refers to itself
        cart.yaml: Sell: the Handler cart.store.sell is already taken by Sell"#]]
    .assert_eq(&faults.to_string());
}

#[test]
fn a_root_that_is_not_there_is_one_fault() {
    let faults = load_tree("nowhere", &[], &[]).unwrap_err();
    assert_eq!(faults.iter().count(), 1);
    assert_eq!(faults.iter().next().unwrap().file, "template.yaml");
}
