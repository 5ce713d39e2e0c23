//! A small document tree for `html5ever`: nodes in one vector, no reference counting, no
//! recursion, a cap on nodes.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::{
    ElemName, ElementFlags, NodeOrText, QuirksMode, TreeBuilderOpts, TreeSink,
};
use html5ever::{Attribute, LocalName, Namespace, ParseOpts, QualName, local_name, ns};

/// Most nodes made; parsing stops there.
const MAX_NODES: usize = 200_000;
/// Deepest nesting; parsing stops there. The tree builder searches its stack of open elements at
/// each tag, so depth makes time quadratic; browsers flatten at the same depth.
const MAX_DEPTH: usize = 512;
/// Octets parsed between two looks at the limits: small, because one open formatting element is
/// made anew for each paragraph, so that few octets can make many nodes.
const PIECE: usize = 1024;

/// What a node is.
#[derive(Clone, Debug)]
pub enum Data {
    /// The document, a comment, a doctype.
    Other,
    /// Character data.
    Text(String),
    /// An element.
    Element(Element),
}

/// An element with its attributes in order.
#[derive(Clone, Debug)]
pub struct Element {
    /// Local name ("svg", "animate"; HTML names lower case, SVG names as the standard writes them).
    pub name: LocalName,
    /// `true` in SVG or MathML.
    pub foreign: bool,
    /// Name and value, entities decoded; the name keeps its prefix ("xlink:href"), lower case.
    pub attributes: Vec<(String, String)>,
    qual: QualName,
}

impl Element {
    /// Value of the attribute with that name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub data: Data,
    /// Parent, if attached.
    pub parent: Option<usize>,
    /// Children in order.
    pub children: Vec<usize>,
    template: Option<usize>,
}

/// A parsed document.
#[derive(Clone, Debug, Default)]
pub struct Dom {
    /// Nodes; 0 is the document.
    pub nodes: Vec<Node>,
    /// `true` when a limit stopped the parser.
    pub overflow: bool,
}

/// A step of [`Dom::walk`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The node begins.
    Enter(usize),
    /// The node, with its children, is done.
    Leave(usize),
}

impl Dom {
    /// Parses a document.
    pub fn parse(html: &str) -> Dom {
        let opts = ParseOpts {
            tree_builder: TreeBuilderOpts {
                scripting_enabled: true,
                ..Default::default()
            },
            ..Default::default()
        };
        let mut parser = html5ever::parse_document(Sink::default(), opts);
        let mut rest = html;
        while !rest.is_empty() {
            let mut end = rest.len().min(PIECE);
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            let (piece, after) = rest.split_at(end);
            rest = after;
            parser.process(StrTendril::from(piece));
            let sink = &parser.tokenizer.sink.sink;
            if sink.too_large() {
                sink.overflow.set(true);
                break;
            }
        }
        parser.finish()
    }

    /// Nodes in document order, without recursion; template contents included.
    pub fn walk(&self) -> impl Iterator<Item = Step> {
        let mut stack = if self.nodes.is_empty() {
            vec![]
        } else {
            vec![Step::Enter(0)]
        };
        std::iter::from_fn(move || {
            let step = stack.pop()?;
            if let Step::Enter(i) = step {
                stack.push(Step::Leave(i));
                let node = &self.nodes[i];
                stack.extend(node.children.iter().rev().map(|c| Step::Enter(*c)));
                stack.extend(node.template.map(Step::Enter));
            }
            Some(step)
        })
    }

    /// Elements in document order.
    pub fn elements(&self) -> impl Iterator<Item = (usize, &Element)> {
        self.walk().filter_map(|s| match s {
            Step::Enter(i) => match &self.nodes[i].data {
                Data::Element(e) => Some((i, e)),
                _ => None,
            },
            Step::Leave(_) => None,
        })
    }

    /// Elements at and below a node.
    pub fn descendants(&self, node: usize) -> impl Iterator<Item = &Element> {
        let mut stack = vec![node];
        std::iter::from_fn(move || {
            loop {
                let node = &self.nodes[stack.pop()?];
                stack.extend(node.children.iter().rev());
                if let Data::Element(e) = &node.data {
                    return Some(e);
                }
            }
        })
    }

    /// Text of a node's descendants, at most `limit` octets.
    pub fn text_of(&self, node: usize, limit: usize) -> String {
        let mut out = String::new();
        let mut stack = vec![node];
        while let Some(i) = stack.pop() {
            if out.len() >= limit {
                break;
            }
            if let Data::Text(t) = &self.nodes[i].data {
                out.push_str(t);
            }
            stack.extend(self.nodes[i].children.iter().rev());
        }
        crate::text::cut(&mut out, limit);
        out
    }

    /// Nearest ancestor element, itself excluded.
    pub fn ancestors(&self, node: usize) -> impl Iterator<Item = &Element> {
        let mut at = self.nodes[node].parent;
        std::iter::from_fn(move || {
            loop {
                let node = &self.nodes[at?];
                at = node.parent;
                if let Data::Element(e) = &node.data {
                    return Some(e);
                }
            }
        })
    }
}

/// What `html5ever` hands its nodes to.
struct Sink {
    nodes: RefCell<Vec<Node>>,
    overflow: Cell<bool>,
}

impl Default for Sink {
    fn default() -> Self {
        let sink = Self {
            nodes: RefCell::new(Vec::with_capacity(256)),
            overflow: Cell::new(false),
        };
        sink.push(Data::Other);
        sink
    }
}

/// Borrowed name of an element.
struct Name<'a>(Ref<'a, QualName>);

impl std::fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ElemName for Name<'_> {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }
    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

impl Sink {
    fn push(&self, data: Data) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node {
            data,
            parent: None,
            children: Vec::new(),
            template: None,
        });
        nodes.len() - 1
    }

    /// Whether a limit is passed, judged by the newest attached node.
    fn too_large(&self) -> bool {
        let nodes = self.nodes.borrow();
        let mut depth = 0;
        let mut at = nodes.iter().rposition(|n| n.parent.is_some());
        while let Some(i) = at {
            depth += 1;
            if depth > MAX_DEPTH {
                return true;
            }
            at = nodes[i].parent;
        }
        nodes.len() >= MAX_NODES
    }

    fn detach(&self, node: usize) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[node].parent.take() {
            // The tree builder moves recent nodes, so the search from the end is short.
            if let Some(at) = nodes[parent].children.iter().rposition(|c| *c == node) {
                nodes[parent].children.remove(at);
            }
        }
    }

    /// Puts a child into `parent` before position `at`.
    fn insert(&self, parent: usize, at: Option<usize>, child: NodeOrText<usize>) {
        match child {
            NodeOrText::AppendNode(node) => {
                self.detach(node);
                let mut nodes = self.nodes.borrow_mut();
                nodes[node].parent = Some(parent);
                let children = &mut nodes[parent].children;
                let at = at.unwrap_or(children.len()).min(children.len());
                children.insert(at, node);
            }
            NodeOrText::AppendText(text) => {
                {
                    let mut nodes = self.nodes.borrow_mut();
                    let children = &nodes[parent].children;
                    let before = at.unwrap_or(children.len()).checked_sub(1);
                    if let Some(last) = before.and_then(|i| children.get(i)).copied()
                        && let Data::Text(t) = &mut nodes[last].data
                    {
                        t.push_str(&text);
                        return;
                    }
                }
                let node = self.push(Data::Text(text.to_string()));
                self.insert(parent, at, NodeOrText::AppendNode(node));
            }
        }
    }

    fn attributes(attrs: Vec<Attribute>) -> Vec<(String, String)> {
        attrs
            .into_iter()
            .map(|a| {
                let name = match &a.name.prefix {
                    Some(p) if !p.is_empty() => format!("{p}:{}", a.name.local),
                    _ => a.name.local.to_string(),
                };
                (name.to_ascii_lowercase(), a.value.to_string())
            })
            .collect()
    }
}

impl TreeSink for Sink {
    type Handle = usize;
    type Output = Dom;
    type ElemName<'a> = Name<'a>;

    fn finish(self) -> Dom {
        Dom {
            nodes: self.nodes.into_inner(),
            overflow: self.overflow.get(),
        }
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> usize {
        0
    }

    fn elem_name<'a>(&'a self, target: &'a usize) -> Name<'a> {
        Name(Ref::map(self.nodes.borrow(), |nodes| {
            match &nodes[*target].data {
                Data::Element(e) => &e.qual,
                // The tree builder asks only for elements it made.
                _ => unreachable!("the name of a node that is no element"),
            }
        }))
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, flags: ElementFlags) -> usize {
        let element = Element {
            name: name.local.clone(),
            foreign: name.ns != ns!(html),
            attributes: Self::attributes(attrs),
            qual: name,
        };
        let node = self.push(Data::Element(element));
        if flags.template {
            let contents = self.push(Data::Other);
            self.nodes.borrow_mut()[node].template = Some(contents);
        }
        node
    }

    fn create_comment(&self, _: StrTendril) -> usize {
        self.push(Data::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> usize {
        self.push(Data::Other)
    }

    fn append(&self, parent: &usize, child: NodeOrText<usize>) {
        self.insert(*parent, None, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &usize,
        prev_element: &usize,
        child: NodeOrText<usize>,
    ) {
        let has_parent = self.nodes.borrow()[*element].parent.is_some();
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.append(prev_element, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &usize) -> usize {
        self.nodes.borrow()[*target].template.unwrap_or(*target)
    }

    fn same_node(&self, x: &usize, y: &usize) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &usize, child: NodeOrText<usize>) {
        if let NodeOrText::AppendNode(node) = child {
            self.detach(node);
        }
        let place = {
            let nodes = self.nodes.borrow();
            nodes[*sibling]
                .parent
                .map(|p| (p, nodes[p].children.iter().rposition(|c| c == sibling)))
        };
        if let Some((parent, at)) = place {
            self.insert(parent, at, child);
        }
    }

    fn add_attrs_if_missing(&self, target: &usize, attrs: Vec<Attribute>) {
        let mut nodes = self.nodes.borrow_mut();
        if let Data::Element(e) = &mut nodes[*target].data {
            for (name, value) in Self::attributes(attrs) {
                if e.attribute(&name).is_none() {
                    e.attributes.push((name, value));
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &usize) {
        self.detach(*target);
    }

    fn reparent_children(&self, node: &usize, new_parent: &usize) {
        let mut nodes = self.nodes.borrow_mut();
        let children = std::mem::take(&mut nodes[*node].children);
        for child in &children {
            nodes[*child].parent = Some(*new_parent);
        }
        nodes[*new_parent].children.extend(children);
    }

    fn is_mathml_annotation_xml_integration_point(&self, target: &usize) -> bool {
        let nodes = self.nodes.borrow();
        let Data::Element(e) = &nodes[*target].data else {
            return false;
        };
        e.name == local_name!("annotation-xml")
            && e.attribute("encoding").is_some_and(|v| {
                v.eq_ignore_ascii_case("text/html")
                    || v.eq_ignore_ascii_case("application/xhtml+xml")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(html: &str) -> Vec<String> {
        Dom::parse(html)
            .elements()
            .map(|(_, e)| e.name.to_string())
            .collect()
    }

    #[test]
    fn parses_as_browsers_do() {
        assert_eq!(
            names("<noembed><p title=\"</noembed><img src=x onerror=y>\">"),
            ["html", "head", "body", "noembed", "img"]
        );
        assert_eq!(
            names("<table><tr><td>a<p>b")[2..],
            ["body", "table", "tbody", "tr", "td", "p"]
        );
        let dom = Dom::parse("<svg><animate attributeName=href xlink:href='&#106;a'>");
        let (_, e) = dom.elements().find(|(_, e)| &*e.name == "animate").unwrap();
        assert!(e.foreign);
        assert_eq!(e.attribute("attributename"), Some("href"));
        assert_eq!(e.attribute("xlink:href"), Some("ja"));
    }

    #[test]
    fn limits_hold_in_little_time() {
        let fonts: String = (0..5000).map(|i| format!("<font size={i}>")).collect();
        for html in [
            "<div>".repeat(200_000),
            format!("<p>{fonts}{}", "<p>x".repeat(100_000)),
        ] {
            let started = std::time::Instant::now();
            let dom = Dom::parse(&html);
            assert!(dom.overflow && dom.nodes.len() < 2 * MAX_NODES);
            assert!(started.elapsed().as_secs() < 20);
        }
    }

    #[test]
    fn misnested_and_template_content_is_kept() {
        assert!(names("<template><script>x</script></template>").contains(&"script".into()));
        assert!(names("<table><a href=x>y<tr>z</table>").contains(&"a".into()));
        assert!(names("<b><p></b>text").len() >= 5);
    }
}
