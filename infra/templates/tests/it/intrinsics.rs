//! Every intrinsic function that is understood gives what CloudFormation would give.

use serde_json::json;
use templates::{Projection, Trigger};

use crate::workshop::{load, load_tree};

const FUNCTION: &str = "
  Sell:
    Type: AWS::Serverless::Function
    Properties:
      Handler: cart.store.sell
      Environment:
        Variables:
";

/// The environment of a function whose variables are these lines.
fn environment(name: &str, sections: &str, variables: &[&str]) -> Vec<(String, String)> {
    let lines = variables.join("\n          ");
    let template = format!("{sections}\nResources:{FUNCTION}          {lines}\n");
    let stack = load(name, &template).unwrap_or_else(|faults| panic!("{faults}"));
    stack.function("cart.store.sell").unwrap().environment.clone().into_iter().collect()
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn texts_are_joined_split_chosen_and_substituted() {
    let sections = "
Parameters:
  Prefix: {Type: String, Default: flux}
  Origins: {Type: CommaDelimitedList, Default: 'a.example, b.example'}";
    let found = environment(
        "texts",
        sections,
        &[
            "A: !Ref Prefix",
            "B: !Sub '${Prefix}-carts in ${AWS::Region}, not ${!Prefix}'",
            "C: !Sub ['${who}@${Prefix}', {who: !Ref AWS::AccountId}]",
            "D: !Join ['|', !Ref Origins]",
            "E: !Select [1, !Split ['@', 'shop@mail.example']]",
            "F: {'Fn::Sub': 'long ${Prefix}'}",
            "G: {Ref: Prefix}",
            "H: 12",
        ],
    );
    let wanted = pairs(&[
        ("A", "flux"),
        ("B", "flux-carts in eu-central-1, not ${Prefix}"),
        ("C", "000000000000@flux"),
        ("D", "a.example|b.example"),
        ("E", "mail.example"),
        ("F", "long flux"),
        ("G", "flux"),
        ("H", "12"),
    ]);
    assert_eq!(found, wanted);
}

#[test]
fn conditions_choose_and_no_value_removes() {
    let sections = "
Parameters:
  Stage: {Type: String, Default: live}
Conditions:
  IsLive: !Equals [!Ref Stage, live]
  IsTest: !Not [!Condition IsLive]
  IsBoth: !And [!Condition IsLive, !Condition IsTest]
  IsEither: !Or [!Condition IsLive, {Condition: IsTest}]";
    let found = environment(
        "conditions",
        sections,
        &[
            "A: !If [IsLive, yes it is, no]",
            "B: !If [IsTest, here, !Ref AWS::NoValue]",
            "C: !If [IsBoth, both, not both]",
            "D: !If [IsEither, either, neither]",
        ],
    );
    assert_eq!(found, pairs(&[("A", "yes it is"), ("C", "not both"), ("D", "either")]));
}

#[test]
fn resources_are_known_by_name_arn_and_url() {
    let sections = "";
    let resources = "
          A: !Ref Orders
          B: !GetAtt Orders.Arn
          C: !Ref Mail
          D: !GetAtt [Mail, Arn]
          E: !Sub '${Orders.Arn}/index/by_status'
          F: !Ref Keys
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: flux-orders
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  Mail: {Type: AWS::SQS::Queue, Properties: {QueueName: flux-mail}}
  Keys: {Type: AWS::SecretsManager::Secret, Properties: {Name: flux/keys}}";
    let found = environment("identities", sections, &[resources.trim_start()]);
    let wanted = pairs(&[
        ("A", "flux-orders"),
        ("B", "arn:aws:dynamodb:eu-central-1:000000000000:table/flux-orders"),
        ("C", "https://sqs.eu-central-1.amazonaws.com/000000000000/flux-mail"),
        ("D", "arn:aws:sqs:eu-central-1:000000000000:flux-mail"),
        ("E", "arn:aws:dynamodb:eu-central-1:000000000000:table/flux-orders/index/by_status"),
        ("F", "arn:aws:secretsmanager:eu-central-1:000000000000:secret:flux/keys-??????"),
    ]);
    assert_eq!(found, wanted);
}

#[test]
fn nested_stacks_get_their_arguments_from_their_parent_and_each_other() {
    let root = "
Parameters:
  Prefix: {Type: String}
Resources:
  Storage:
    Type: AWS::Serverless::Application
    Properties: {Location: infra/storage.yaml, Parameters: {Prefix: !Ref Prefix}}
  Cart:
    Type: AWS::Serverless::Application
    Properties:
      Location: ./functions/cart.yaml
      Parameters:
        Table: !GetAtt Storage.Outputs.Table
        TableArn: !GetAtt Storage.Outputs.TableArn
        StreamArn: !GetAtt Storage.Outputs.StreamArn
        Seconds: 20
";
    let storage = "
Parameters:
  Prefix: {Type: String}
Resources:
  Carts:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub ${Prefix}-carts
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
      AttributeDefinitions:
        - {AttributeName: pk, AttributeType: S}
        - {AttributeName: owner, AttributeType: S}
        - {AttributeName: at, AttributeType: N}
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - IndexName: by_owner
          KeySchema: [{AttributeName: owner, KeyType: HASH}, {AttributeName: at, KeyType: RANGE}]
          Projection: {ProjectionType: INCLUDE, NonKeyAttributes: [total]}
Outputs:
  Table: {Value: !Ref Carts}
  TableArn: {Value: !GetAtt Carts.Arn}
  StreamArn: {Value: !GetAtt Carts.StreamArn}
";
    let cart = r#"
Parameters:
  Table: {Type: String}
  TableArn: {Type: String}
  StreamArn: {Type: String}
  Seconds: {Type: Number}
Globals:
  Function:
    Timeout: !Ref Seconds
    MemorySize: 256
    Environment: {Variables: {TABLE: !Ref Table, STAGE: test}}
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  Watch:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: cart}}
    Properties:
      Handler: cart.jobs.watch
      MemorySize: 512
      Environment: {Variables: {STAGE: own}}
      Events:
        Route: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: /v1/watch}}
        Often: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}
        Off: {Type: Schedule, Properties: {Schedule: rate(1 minute), Enabled: false}}
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !Ref StreamArn
            StartingPosition: TRIM_HORIZON
            FilterCriteria: {Filters: [{Pattern: '{"eventName":["INSERT"]}'}]}
      Policies:
        - Statement:
            Sid: ReadOwn
            Effect: Allow
            Action: dynamodb:Query
            Resource: [!Ref TableArn, !Sub "${TableArn}/index/by_owner"]
            Condition: {ForAllValues:StringLike: {dynamodb:LeadingKeys: ["CART#*"]}}
"#;
    let files =
        [("template.yaml", root), ("infra/storage.yaml", storage), ("functions/cart.yaml", cart)];
    let stack = load_tree("nested", &files, &[("Prefix", "flux")])
        .unwrap_or_else(|faults| panic!("{faults}"));

    let table = stack.table("flux-carts").unwrap();
    assert_eq!(table.stream.as_deref(), Some("NEW_IMAGE"));
    assert_eq!(table.ttl_attribute.as_deref(), Some("expires"));
    assert_eq!(table.attributes["at"], "N");
    assert_eq!(table.indexes[0].projection, Projection::Include(vec!["total".to_owned()]));

    let watch = stack.function("cart.jobs.watch").unwrap();
    assert_eq!((watch.stack.as_str(), watch.binary.as_str()), ("Cart", "cart"));
    assert_eq!(watch.file, "functions/cart.yaml");
    assert_eq!((watch.timeout_seconds, watch.memory_mb), (20, 512));
    assert_eq!(watch.environment["TABLE"], "flux-carts");
    assert_eq!(watch.environment["STAGE"], "own");
    assert_eq!(watch.statements[0].resources[1], format!("{}/index/by_owner", table.arn));
    assert_eq!(
        watch.statements[0].condition,
        json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["CART#*"]}})
    );
    let stream = Trigger::Stream {
        table: "flux-carts".to_owned(),
        batch_size: 100,
        filters: vec![json!({"eventName": ["INSERT"]})],
        starting_position: "TRIM_HORIZON".to_owned(),
        report_partial: false,
        bisect: false,
        retries_max: None,
    };
    let http = Trigger::Http { method: "GET".to_owned(), path: "/v1/watch".to_owned() };
    assert_eq!(watch.triggers, [http, Trigger::Schedule { seconds: 300 }, stream]);
}

#[test]
fn what_its_condition_leaves_out_is_not_there() {
    let root = "
Conditions:
  IsLive: !Equals [!Ref AWS::Region, nowhere]
Resources:
  Keys: {Type: AWS::SecretsManager::Secret, Condition: IsLive, Properties: {Name: flux/keys}}
  Inner: {Type: AWS::Serverless::Application, Condition: IsLive, Properties: {Location: in.yaml}}
";
    let inner = "Resources: {Mail: {Type: AWS::SQS::Queue, Properties: {QueueName: flux-mail}}}";
    let files = [("template.yaml", root), ("in.yaml", inner)];
    let stack = load_tree("left-out", &files, &[]).unwrap();
    assert!(stack.secrets.is_empty() && stack.queues.is_empty());
    let given = [("AWS::Region", "nowhere")];
    let stack = load_tree("left-in", &files, &given).unwrap();
    assert_eq!(stack.secrets, ["flux/keys"]);
    assert_eq!(stack.queues[0].url, "https://sqs.nowhere.amazonaws.com/000000000000/flux-mail");
}

#[test]
fn what_nothing_here_depends_on_need_not_be_understood() {
    let template = "
Resources:
  Front: {Type: AWS::CloudFront::Distribution, Properties: {Id: !Cidr [a, b]}}
  Sell: {Type: AWS::Serverless::Function, Properties: {Handler: a.store.b, VpcConfig: !Base64 x}}
Outputs:
  Domain: {Value: !GetAtt Front.DomainName}
";
    assert!(load("indifferent", template).is_ok());
}

#[test]
fn a_route_without_path_and_method_takes_what_no_other_does() {
    let template = "
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  Rest:
    Type: AWS::Serverless::Function
    Properties:
      Handler: cart.unknown
      Events: {Rest: {Type: HttpApi, Properties: {ApiId: !Ref Api}}}
";
    let stack = load("default-route", template).unwrap_or_else(|faults| panic!("{faults}"));
    let any = Trigger::Http { method: "ANY".to_owned(), path: "$default".to_owned() };
    assert_eq!(stack.function("cart.unknown").unwrap().triggers, [any]);
}
