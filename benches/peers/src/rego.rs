use std::sync::Arc;

use regorus::{
    Engine, Value,
    languages::rego::compiler::Compiler,
    rvm::{program::Program, vm::RegoVM},
};

use crate::{Case, NOW};

const ENTRY: &str = "data.twofa.decision";

/// Regorus: the same policy for its interpreter and for its virtual machine.
pub struct Rego {
    engine: Engine,
    machine: RegoVM,
}

impl Rego {
    /// Parses the policy, and compiles it for the virtual machine.
    pub fn new() -> Self {
        let mut engine = Engine::new();
        let policy = include_str!("../policies/decide.rego");
        engine
            .add_policy("decide.rego".into(), policy.into())
            .unwrap();
        let compiled = engine
            .clone()
            .compile_with_entrypoint(&ENTRY.into())
            .unwrap();
        let program: Arc<Program> = Compiler::compile_from_policy(&compiled, &[ENTRY]).unwrap();
        let mut machine = RegoVM::new();
        machine.load_program(program);
        Self { engine, machine }
    }

    /// A case as an input.
    pub fn input(case: &Case) -> Value {
        let (lock, lock_until) = case.lock();
        let (mandate, from) = case.mandate();
        let json = format!(
            r#"{{"method":"{}","sso":"{}","state":"{}","reset":"{}","lock":"{lock}","lock_until":{lock_until},
               "mandate":"{mandate}","from":{from},"now":{},"last_event":{}}}"#,
            case.method(),
            case.sso(),
            case.state(),
            case.reset(),
            NOW.as_secs(),
            case.last_event(),
        );
        Value::from_json_str(&json).unwrap()
    }

    /// Decides by interpreting: an object of `next` and `reason`.
    pub fn interpret(&mut self, input: &Value) -> Value {
        self.engine.set_input(input.clone());
        self.engine.eval_rule(ENTRY.into()).unwrap()
    }

    /// Decides on the virtual machine: an object of `next` and `reason`.
    pub fn run(&mut self, input: &Value) -> Value {
        self.machine.set_input(input.clone());
        self.machine.execute().unwrap()
    }
}

impl Default for Rego {
    fn default() -> Self {
        Self::new()
    }
}
