//! A small memory for what was made of header fields: few names come again and again, and mostly with few values.

/// A name has one place. Others may have the same: then they take turns in it.
const PLACES: usize = 128;
/// What is longer than this is not kept.
const LONGEST: usize = 128;

/// Places for what belongs to names. Who finds something in a place has to see whether it belongs to that name.
pub(crate) struct Places<T>(Vec<Option<T>>);

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self(std::iter::repeat_with(|| None).take(PLACES).collect())
    }
}

impl<T> Places<T> {
    /// None: what is made of this name is not to be kept.
    pub(crate) fn of(&mut self, name: &[u8]) -> Option<&mut Option<T>> {
        let (first, last) = (*name.first()?, *name.last()?);
        if name.len() > LONGEST {
            return None;
        }
        let mix = name.len() * 31 + usize::from(first) * 7 + usize::from(last | 0x20);
        self.0.get_mut(mix % PLACES)
    }
}
