//! Parses tokens to a syntax tree: modules, functions, statements.

use super::ast::{Function, Instruction, Module, Parameter, Space, Statement};
use super::lexer::{Spanned, Token, tokens};
use crate::error::LoadError;
use crate::types::Type;

/// Parses a whole text.
pub(crate) fn parse(source: &str) -> Result<Module, LoadError> {
    let mut parser = Parser {
        source,
        tokens: tokens(source)?,
        at: 0,
        function: None,
        depth: 0,
    };
    parser.module()
}

pub(super) struct Parser<'s> {
    pub(super) source: &'s str,
    pub(super) tokens: Vec<Spanned>,
    pub(super) at: usize,
    /// Name of the current function, for messages.
    function: Option<String>,
    /// The number of open brackets at the current position.
    depth: usize,
}

/// The maximum depth of nested brackets; a text with more is invalid.
const DEEPEST: usize = 64;

pub(super) type Parsed<T> = Result<T, LoadError>;

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.token)
    }

    pub(super) fn line(&self) -> usize {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(1, |t| t.line)
    }

    pub(super) fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let text = self.tokens.get(self.at).map_or(String::new(), |t| {
            self.source
                .get(t.span.clone())
                .unwrap_or_default()
                .to_string()
        });
        Err(LoadError {
            kernel: self.function.clone(),
            line: self.line(),
            text,
            message: message.into(),
        })
    }

    pub(super) fn is(&self, symbol: char) -> bool {
        self.peek() == Some(&Token::Symbol(symbol))
    }

    pub(super) fn eat(&mut self, symbol: char) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, symbol: char) -> Parsed<()> {
        if self.eat(symbol) {
            Ok(())
        } else {
            self.error(format!("expected `{symbol}` here"))
        }
    }

    /// Parses a part in brackets, which may contain brackets again.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return self.error("brackets are nested too deep");
        }
        self.depth += 1;
        let outcome = read(self);
        self.depth -= 1;
        outcome
    }

    pub(super) fn name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => self.error("expected a name here"),
        }
    }

    /// `.loc` and `.file` end at the end of their line, not with a semicolon.
    fn skip_line(&mut self, line: usize) {
        while self.tokens.get(self.at).is_some_and(|t| t.line == line) {
            self.at += 1;
        }
    }

    fn skip_past_semicolon(&mut self) {
        while self.peek().is_some() && !self.eat(';') {
            self.at += 1;
        }
    }

    fn module(&mut self) -> Parsed<Module> {
        let mut module = Module::default();
        while self.peek().is_some() {
            let line = self.line();
            let start = self.at;
            match self.name()?.as_str() {
                ".version" => module.version = self.version()?,
                ".target" => {
                    module.target = self.name()?;
                    while self.eat(',') {
                        self.name()?;
                    }
                }
                ".address_size" => {
                    if self.integer()? != 64 {
                        return self.error("only 64-bit addresses are known to the emulator");
                    }
                }
                ".visible" | ".weak" | ".extern" | ".common" => {}
                ".loc" | ".file" => self.skip_line(line),
                ".pragma" => self.skip_past_semicolon(),
                ".entry" => module.functions.push(self.function(true)?),
                ".func" => module.functions.push(self.function(false)?),
                name => match space(name) {
                    Some(space) => self.variables(space, &mut module.variables)?,
                    None => {
                        self.at = start;
                        return self.error("directive not known to the emulator");
                    }
                },
            }
        }
        if module.version == (0, 0) {
            return self.error("a module starts with .version");
        }
        Ok(module)
    }

    fn version(&mut self) -> Parsed<(u32, u32)> {
        let text = self
            .tokens
            .get(self.at)
            .map_or("", |t| &self.source[t.span.clone()]);
        let parts = text.split_once('.').map(|(a, b)| (a.parse(), b.parse()));
        let Some((Ok(major), Ok(minor))) = parts else {
            return self.error("expected a version such as 8.0");
        };
        self.at += 1;
        Ok((major, minor))
    }

    fn function(&mut self, is_entry: bool) -> Parsed<Function> {
        let mut function = Function {
            name: String::new(),
            is_entry,
            returns: Vec::new(),
            parameters: Vec::new(),
            body: None,
            limits: Vec::new(),
        };
        if self.is('(') {
            function.returns = self.parameters()?;
        }
        function.name = self.name()?;
        self.function = Some(function.name.clone());
        if self.is('(') {
            function.parameters = self.parameters()?;
        }
        loop {
            if self.eat(';') {
                break;
            }
            if self.is('{') {
                function.body = Some(self.block()?);
                break;
            }
            let start = self.at;
            let directive = self.name()?;
            match directive.as_str() {
                ".pragma" => self.skip_past_semicolon(),
                ".noreturn" | ".explicitcluster" => {}
                ".maxntid" | ".reqntid" | ".minnctapersm" | ".maxnctapersm" | ".maxnreg"
                | ".reqnctapercluster" | ".maxclusterrank" => {
                    let mut numbers = vec![self.integer()?];
                    while self.eat(',') {
                        numbers.push(self.integer()?);
                    }
                    function.limits.push((directive, numbers));
                }
                _ => {
                    self.at = start;
                    return self.error("directive not known to the emulator");
                }
            }
        }
        self.function = None;
        Ok(function)
    }

    fn parameters(&mut self) -> Parsed<Vec<Parameter>> {
        self.expect('(')?;
        let mut all = Vec::new();
        while !self.eat(')') {
            let in_register = match self.name()?.as_str() {
                ".param" => false,
                ".reg" => true,
                _ => return self.error("expected .param or .reg"),
            };
            let variable = self.declarator(Space::Param)?;
            all.push(Parameter {
                in_register,
                variable,
            });
            if !self.eat(',') && !self.is(')') {
                return self.error("expected `,` or `)` here");
            }
        }
        Ok(all)
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.expect('{')?;
        let mut all = Vec::new();
        while !self.eat('}') {
            if self.peek().is_none() {
                return self.error("the text ends inside a block");
            }
            self.statement(&mut all)?;
        }
        Ok(all)
    }

    fn statement(&mut self, out: &mut Vec<Statement>) -> Parsed<()> {
        if self.is('{') {
            out.push(Statement::Block(self.nested(Self::block)?));
            return Ok(());
        }
        if self.eat(';') {
            return Ok(());
        }
        let (line, start) = (self.line(), self.at);
        let mut guard = None;
        if self.eat('@') {
            let negated = self.eat('!');
            guard = Some((self.name()?, negated));
        }
        let opcode = self.name()?;
        if guard.is_none() {
            if self.eat(':') {
                out.push(Statement::Label(opcode));
                return Ok(());
            }
            match opcode.as_str() {
                ".reg" => return self.registers(out),
                ".pragma" => {
                    self.skip_past_semicolon();
                    return Ok(());
                }
                ".loc" | ".file" => {
                    self.skip_line(line);
                    return Ok(());
                }
                name => {
                    if let Some(space) = space(name) {
                        let mut variables = Vec::new();
                        self.variables(space, &mut variables)?;
                        out.extend(variables.into_iter().map(Statement::Variable));
                        return Ok(());
                    }
                }
            }
        }
        let operands = self.operands()?;
        let end = self
            .tokens
            .get(self.at)
            .map_or(self.source.len(), |t| t.span.start);
        self.expect(';')?;
        let span = self.tokens[start].span.start..end;
        out.push(Statement::Instruction(Instruction {
            line,
            span,
            guard,
            opcode,
            operands,
        }));
        Ok(())
    }

    fn registers(&mut self, out: &mut Vec<Statement>) -> Parsed<()> {
        let type_name = self.name()?;
        let Some(ty) = type_name.strip_prefix('.').and_then(Type::named) else {
            self.at -= 1;
            return self.error("register type not known to the emulator");
        };
        let mut names = Vec::new();
        loop {
            let name = self.name()?;
            let mut count = None;
            if self.eat('<') {
                count = Some(usize::try_from(self.integer()?).unwrap_or(usize::MAX));
                self.expect('>')?;
            }
            if count.is_some_and(|n| n > 1 << 16) {
                return self.error("too many registers");
            }
            names.push((name, count));
            if !self.eat(',') {
                break;
            }
        }
        self.expect(';')?;
        out.push(Statement::Registers(names, ty));
        Ok(())
    }
}

/// The state space of a declaration.
fn space(name: &str) -> Option<Space> {
    Some(match name {
        ".global" => Space::Global,
        ".const" => Space::Const,
        ".shared" => Space::Shared,
        ".local" => Space::Local,
        ".param" => Space::Param,
        _ => return None,
    })
}
