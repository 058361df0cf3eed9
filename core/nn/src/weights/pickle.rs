//! As much of Python's pickle as a dictionary of tensors needs.
//!
//! A pickle is a program for a stack machine that may call any function. This reader knows the few functions that
//! rebuild tensors, by name, and refuses every other; it calls nothing.

use std::collections::HashMap;

use scant_abi::{Error, Result};

use super::Element;

/// A tensor as the pickle describes it; its numbers stand in the archive's file `storage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) storage: String,
    pub(super) element: Element,
    pub(super) offset: usize,
    pub(super) dims: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Value {
    Mark,
    Nothing,
    Flag,
    Int(i64),
    Text(String),
    Sequence(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Function(Function),
    Storage(String, Element),
    Tensor(Described),
}

#[derive(Clone, Copy, Debug)]
enum Function {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Element),
}

/// The greatest number of instructions and of values; a state dict of ten thousand tensors stays far below.
const LIMIT: usize = 4 << 20;

/// The tensors of the dictionary that `program` makes, by name; those of nested dictionaries under dotted names.
pub(super) fn tensors(program: &[u8]) -> Result<Vec<(String, Described)>> {
    let mut machine = Machine { program, at: 0, stack: Vec::new(), memo: HashMap::new() };
    let mut found = Vec::new();
    collect("", machine.run()?, &mut found, 0)?;
    Ok(found)
}

fn collect(path: &str, value: Value, found: &mut Vec<(String, Described)>, depth: usize) -> Result<()> {
    match value {
        Value::Tensor(tensor) => found.push((path.to_owned(), tensor)),
        Value::Dict(items) if depth < 8 => {
            for (key, value) in items {
                let Value::Text(key) = key else {
                    return Err(refused(format!("a key in '{path}' that is no text")));
                };
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                collect(&path, value, found, depth + 1)?;
            }
        }
        other => {
            return Err(refused(format!(
                "'{path}', which is {}; save the model's state_dict alone",
                other.kind()
            )));
        }
    }
    Ok(())
}

fn refused(what: String) -> Error {
    Error::data(format!("the file may hold nothing but tensors, and holds {what}"))
}

fn broken(what: &str) -> Error {
    Error::data(format!("the pickle is damaged: {what}"))
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Mark => "a mark",
            Self::Nothing => "None",
            Self::Flag => "a truth value",
            Self::Int(_) => "a number",
            Self::Text(_) => "text",
            Self::Sequence(_) => "a sequence",
            Self::Dict(_) => "a dictionary",
            Self::Function(_) => "a function",
            Self::Storage(..) => "a storage",
            Self::Tensor(_) => "a tensor",
        }
    }

    fn sequence(self) -> Result<Vec<Self>> {
        match self {
            Self::Sequence(items) => Ok(items),
            other => Err(broken(&format!("a tuple is expected, not {}", other.kind()))),
        }
    }

    fn size(self) -> Result<usize> {
        match self {
            Self::Int(n) => usize::try_from(n).map_err(|_| broken("a negative size")),
            other => Err(broken(&format!("a size is expected, not {}", other.kind()))),
        }
    }

    fn sizes(self) -> Result<Vec<usize>> {
        self.sequence()?.into_iter().map(Self::size).collect()
    }
}

struct Machine<'a> {
    program: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Value> {
        for _ in 0..LIMIT {
            let code = self.bytes(1)?[0];
            match code {
                0x80 => drop(self.bytes(1)?),
                0x95 => drop(self.bytes(8)?),
                b'.' => return self.pop(),
                b'(' => self.push(Value::Mark)?,
                b'0' => drop(self.pop()?),
                b'N' => self.push(Value::Nothing)?,
                0x88 | 0x89 => self.push(Value::Flag)?,
                b'K' => {
                    let n = self.bytes(1)?[0];
                    self.push(Value::Int(i64::from(n)))?;
                }
                b'M' => {
                    let n = u16::from_le_bytes(self.array()?);
                    self.push(Value::Int(i64::from(n)))?;
                }
                b'J' => {
                    let n = i32::from_le_bytes(self.array()?);
                    self.push(Value::Int(i64::from(n)))?;
                }
                0x8a => self.long()?,
                b'X' => {
                    let len = u32::from_le_bytes(self.array()?) as usize;
                    self.text(len)?;
                }
                0x8c => {
                    let len = usize::from(self.bytes(1)?[0]);
                    self.text(len)?;
                }
                b')' | b']' => self.push(Value::Sequence(Vec::new()))?,
                b'}' => self.push(Value::Dict(Vec::new()))?,
                b't' | b'l' => {
                    let items = self.since_mark()?;
                    self.push(Value::Sequence(items))?;
                }
                0x85..=0x87 => {
                    let count = usize::from(code - 0x84);
                    let at =
                        self.stack.len().checked_sub(count).ok_or_else(|| broken("the stack is empty"))?;
                    let items = self.stack.split_off(at);
                    self.push(Value::Sequence(items))?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set_items(vec![key, value])?;
                }
                b'u' => {
                    let items = self.since_mark()?;
                    self.set_items(items)?;
                }
                b'q' => {
                    let index = u32::from(self.bytes(1)?[0]);
                    self.remember(index)?;
                }
                b'r' => {
                    let index = u32::from_le_bytes(self.array()?);
                    self.remember(index)?;
                }
                0x94 => self.remember(self.memo.len() as u32)?,
                b'h' => {
                    let index = u32::from(self.bytes(1)?[0]);
                    self.recall(index)?;
                }
                b'j' => {
                    let index = u32::from_le_bytes(self.array()?);
                    self.recall(index)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    let function = function(module, name)?;
                    self.push(Value::Function(function))?;
                }
                0x93 => {
                    let (Value::Text(name), Value::Text(module)) = (self.pop()?, self.pop()?) else {
                        return Err(broken("a function without a name"));
                    };
                    let function = function(&module, &name)?;
                    self.push(Value::Function(function))?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    let storage = storage(id)?;
                    self.push(storage)?;
                }
                b'R' => {
                    let arguments = self.pop()?.sequence()?;
                    let Value::Function(function) = self.pop()? else {
                        return Err(broken("a call of something that is no function"));
                    };
                    let made = rebuild(function, arguments)?;
                    self.push(made)?;
                }
                // A state dict carries the versions of its modules as an attribute: nothing that we need.
                b'b' => match (self.pop()?, self.stack.last()) {
                    (Value::Dict(_), Some(Value::Dict(_))) => {}
                    _ => return Err(refused("an object with a state of its own".to_owned())),
                },
                other => return Err(refused(format!("the pickle instruction 0x{other:02x}"))),
            }
        }
        Err(broken("it is too long"))
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let rest = &self.program[self.at..];
        let bytes = rest.get(..count).ok_or_else(|| broken("it is cut off"))?;
        self.at += count;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| broken("it is cut off"))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = &self.program[self.at..];
        let len = rest.iter().position(|b| *b == b'\n').ok_or_else(|| broken("it is cut off"))?;
        self.at += len + 1;
        std::str::from_utf8(&rest[..len]).map_err(|_| broken("a name is no text"))
    }

    fn text(&mut self, len: usize) -> Result<()> {
        let text = std::str::from_utf8(self.bytes(len)?).map_err(|_| broken("a text is not UTF-8"))?;
        self.push(Value::Text(text.to_owned()))
    }

    fn long(&mut self) -> Result<()> {
        let len = usize::from(self.bytes(1)?[0]);
        let bytes = self.bytes(len)?;
        if len > 8 {
            return Err(broken("a number is too great"));
        }
        let negative = bytes.last().is_some_and(|b| b >> 7 == 1);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..len].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(wide)))
    }

    fn push(&mut self, value: Value) -> Result<()> {
        self.stack.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<Value> {
        self.stack.pop().ok_or_else(|| broken("the stack is empty"))
    }

    fn since_mark(&mut self) -> Result<Vec<Value>> {
        let mark =
            self.stack.iter().rposition(|v| matches!(v, Value::Mark)).ok_or_else(|| broken("no mark"))?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn set_items(&mut self, items: Vec<Value>) -> Result<()> {
        let Some(Value::Dict(dict)) = self.stack.last_mut() else {
            return Err(broken("an entry without a dictionary"));
        };
        if !items.len().is_multiple_of(2) {
            return Err(broken("a key without a value"));
        }
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            dict.push((key, value));
        }
        Ok(())
    }

    /// Containers that are still being filled are remembered as they are now; tensors, texts and storages, which is
    /// all that a state dict recalls, do not change.
    fn remember(&mut self, index: u32) -> Result<()> {
        let value = match self.stack.last().ok_or_else(|| broken("the stack is empty"))? {
            Value::Dict(_) => Value::Dict(Vec::new()),
            Value::Sequence(items) if items.len() > 64 => Value::Nothing,
            value => value.clone(),
        };
        self.memo.insert(index, value);
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Result<()> {
        let value = self.memo.get(&index).ok_or_else(|| broken("it recalls what it never stored"))?.clone();
        self.push(value)
    }
}

fn function(module: &str, name: &str) -> Result<Function> {
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Function::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Function::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Function::RebuildParameter,
        ("torch", "DoubleStorage") => Function::Storage(Element::F64),
        ("torch", "FloatStorage") => Function::Storage(Element::F32),
        ("torch", "HalfStorage") => Function::Storage(Element::F16),
        ("torch", "BFloat16Storage") => Function::Storage(Element::BF16),
        ("torch", "LongStorage") => Function::Storage(Element::I64),
        ("torch", "IntStorage") => Function::Storage(Element::I32),
        ("torch", "ByteStorage") => Function::Storage(Element::U8),
        _ => return Err(refused(format!("a call of '{module}.{name}', which is not made"))),
    })
}

/// `('storage', type, key, location, count)`.
fn storage(id: Value) -> Result<Value> {
    let mut parts = id.sequence()?.into_iter();
    match (parts.next(), parts.next(), parts.next()) {
        (
            Some(Value::Text(tag)),
            Some(Value::Function(Function::Storage(element))),
            Some(Value::Text(key)),
        ) if tag == "storage" => Ok(Value::Storage(key, element)),
        _ => Err(refused("a reference that is no storage".to_owned())),
    }
}

fn rebuild(function: Function, arguments: Vec<Value>) -> Result<Value> {
    let mut arguments = arguments.into_iter();
    let mut next = || arguments.next().ok_or_else(|| broken("a call lacks an argument"));
    match function {
        Function::OrderedDict => Ok(Value::Dict(Vec::new())),
        Function::RebuildTensor => {
            let Value::Storage(storage, element) = next()? else {
                return Err(broken("a tensor without a storage"));
            };
            let (offset, dims, strides) = (next()?.size()?, next()?.sizes()?, next()?.sizes()?);
            if dims.len() != strides.len() {
                return Err(broken("a tensor's extents and strides differ in number"));
            }
            Ok(Value::Tensor(Described { storage, element, offset, dims, strides }))
        }
        Function::RebuildParameter => match next()? {
            Value::Tensor(tensor) => Ok(Value::Tensor(tensor)),
            _ => Err(broken("a parameter without a tensor")),
        },
        Function::Storage(_) => Err(refused("a call of a storage".to_owned())),
    }
}
