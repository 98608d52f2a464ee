//! Pages of a list (contract 2.1): what is asked for, and how the answer speaks of it.

use std::ops::Range;

use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::query::first;

/// Records on a page when nothing else is asked.
pub const PER_PAGE_DEFAULT: usize = 100;
/// The most records on a page; more are cut to this without a word.
pub const PER_PAGE_MAX: usize = 1000;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub page: usize,
    /// Records on a page, at most [`PER_PAGE_MAX`]; 0 asks for none.
    pub per_page: usize,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { page: 1, per_page: PER_PAGE_DEFAULT }
    }
}

impl PageRequest {
    /// Reads `page` and `perPage`; `perPage=max` means the most.
    ///
    /// # Errors
    /// 400 CMN-101 for a page below 1 and for what is not a number.
    pub fn from_query(query: &[(String, String)]) -> Result<Self, ApiError> {
        let number = |name: &str, default| match first(query, name) {
            None | Some("") => Ok(default),
            Some(text) => text.parse().map_err(|_| ApiError::invalid_parameter(name)),
        };
        let page = number("page", 1)?;
        if page == 0 {
            return Err(ApiError::invalid_parameter("page"));
        }
        let per_page = match first(query, "perPage") {
            Some("max") => PER_PAGE_MAX,
            _ => number("perPage", PER_PAGE_DEFAULT)?.min(PER_PAGE_MAX),
        };
        Ok(Self { page, per_page })
    }
}

/// One page of a list whose length is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Which page it is.
    pub request: PageRequest,
    /// Records of the whole list.
    pub total: usize,
}

impl Page {
    /// Returns the places of the page's records in the whole list; empty beyond its end.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        let PageRequest { page, per_page } = self.request;
        let start = (page - 1).saturating_mul(per_page).min(self.total);
        start..start.saturating_add(per_page).min(self.total)
    }

    /// Returns how many pages there are.
    #[must_use]
    pub const fn pages(&self) -> usize {
        match self.request.per_page {
            0 => 0,
            per_page => self.total.div_ceil(per_page),
        }
    }

    /// Returns the `paging` object; of an empty page it has no `page`, `pageStart`, `pageEnd`.
    #[must_use]
    pub fn paging(&self) -> Value {
        let range = self.range();
        let mut paging = Map::new();
        let mut member = |name: &str, number: usize| {
            paging.insert(name.to_owned(), json!(number));
        };
        if range.is_empty() {
            member("perPage", self.request.per_page);
        } else {
            member("page", self.request.page);
            member("perPage", self.request.per_page);
            member("pageStart", range.start);
            member("pageEnd", range.end - 1);
        }
        member("totalPages", self.pages());
        member("totalElements", self.total);
        Value::Object(paging)
    }

    /// Returns the `navigation` object. `uri` is that of the list, possibly with a query; page and
    /// perPage are appended to it.
    #[must_use]
    pub fn navigation(&self, uri: &str) -> Value {
        let last = self.pages().max(1);
        let current = self.request.page;
        let mut navigation = Map::new();
        let mut link = |name: &str, page: usize| {
            navigation.insert(name.to_owned(), json!({ "uri": self.link(uri, page) }));
        };
        link("firstPage", 1);
        if current < last {
            link("nextPage", current + 1);
        }
        if current > 1 {
            link("previousPage", (current - 1).min(last));
        }
        link("lastPage", last);
        Value::Object(navigation)
    }

    /// Returns the address of this page of the list at `uri`.
    #[must_use]
    pub fn uri(&self, uri: &str) -> String {
        self.link(uri, self.request.page)
    }

    fn link(&self, uri: &str, page: usize) -> String {
        let joint = if uri.contains('?') { '&' } else { '?' };
        format!("{uri}{joint}page={page}&perPage={}", self.request.per_page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::parse_query;

    fn request(query: &str) -> Result<PageRequest, ApiError> {
        PageRequest::from_query(&parse_query(query))
    }

    fn page(page: usize, per_page: usize, total: usize) -> Page {
        Page { request: PageRequest { page, per_page }, total }
    }

    #[test]
    fn a_page_is_asked_for_in_many_ways() {
        assert_eq!(request(""), Ok(PageRequest { page: 1, per_page: 100 }));
        assert_eq!(request("page=2&perPage=3"), Ok(PageRequest { page: 2, per_page: 3 }));
        assert_eq!(request("perPage=5000"), Ok(PageRequest { page: 1, per_page: 1000 }));
        assert_eq!(request("perPage=max"), Ok(PageRequest { page: 1, per_page: 1000 }));
        assert_eq!(request("perPage=0"), Ok(PageRequest { page: 1, per_page: 0 }));
    }

    #[test]
    fn what_is_no_page_names_its_parameter() {
        for (query, name) in [
            ("page=0", "page"),
            ("page=-1", "page"),
            ("page=x", "page"),
            ("perPage=-1", "perPage"),
            ("perPage=many", "perPage"),
        ] {
            assert_eq!(request(query), Err(ApiError::invalid_parameter(name)), "{query}");
        }
    }

    #[test]
    fn the_example_of_23_elements_has_8_pages() {
        let page = page(2, 3, 23);

        assert_eq!(page.range(), 3..6);
        assert_eq!(
            page.paging().to_string(),
            r#"{"page":2,"perPage":3,"pageStart":3,"pageEnd":5,"totalPages":8,"totalElements":23}"#
        );
        assert_eq!(
            page.navigation("/p").to_string(),
            concat!(
                r#"{"firstPage":{"uri":"/p?page=1&perPage=3"},"nextPage":{"uri":"/p?page=3&perPage=3"},"#,
                r#""previousPage":{"uri":"/p?page=1&perPage=3"},"lastPage":{"uri":"/p?page=8&perPage=3"}}"#
            )
        );
    }

    #[test]
    fn a_page_beyond_the_end_is_empty_and_leads_back() {
        let beyond = page(9, 3, 23);

        assert!(beyond.range().is_empty());
        assert_eq!(
            beyond.paging().to_string(),
            r#"{"perPage":3,"totalPages":8,"totalElements":23}"#
        );
        let navigation = beyond.navigation("/p?x=1");
        assert_eq!(navigation["previousPage"]["uri"], "/p?x=1&page=8&perPage=3");
        assert!(navigation.get("nextPage").is_none());
    }

    #[test]
    fn an_absurd_page_overflows_nothing() {
        for page in [page(usize::MAX, 1000, 23), page(1, 0, 23), page(1, 100, 0)] {
            assert!(page.range().is_empty());
            assert!(page.paging().get("page").is_none());
            assert!(page.navigation("/p").get("nextPage").is_none());
        }
    }
}
