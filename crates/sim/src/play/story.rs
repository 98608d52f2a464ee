//! Calls of a play: legs that ring, are answered, held, parked, retrieved, and end.

use lampfield_core::{
    Call, ClaimId, Direction, ExtensionId, Fact, IdError, TelephonyStatus, Timestamp,
};
use smol_str::{SmolStr, format_smolstr};

/// Which call of a play.
pub(crate) type CallNumber = u64;

/// A call under way: its legs inside the office.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) session: SmolStr,
    pub(crate) legs: Vec<Leg>,
    /// Who talks to whom, once it is answered.
    pub(crate) outside: Option<Party>,
    pub(crate) started: Timestamp,
    parties: u32,
}

/// One leg: one claim on one extension.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    pub(crate) extension: ExtensionId,
    pub(crate) claim: ClaimId,
    pub(crate) call: Call,
}

/// Somebody with a number and a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) number: SmolStr,
    pub(crate) name: SmolStr,
}

impl Story {
    pub(crate) fn new(session: SmolStr, outside: Option<Party>, started: Timestamp) -> Self {
        Self { session, legs: Vec::new(), outside, started, parties: 0 }
    }

    /// Adds a leg of `extension`, seen from it.
    pub(crate) fn add_leg(
        &mut self,
        extension: ExtensionId,
        direction: Direction,
        from: &Party,
        to: &Party,
        queue_call: bool,
        status: TelephonyStatus,
    ) -> Result<usize, IdError> {
        self.parties += 1;
        let (session, party) = (&self.session, self.parties);
        let call = Call {
            telephony_status: status,
            direction,
            queue_call,
            from: Some(from.number.clone()),
            to: Some(to.number.clone()),
            from_name: Some(from.name.clone()),
            to_name: Some(to.name.clone()),
            start_time: Some(self.started),
            session_id: session.clone(),
            telephony_session_id: Some(format_smolstr!("s-{session}")),
            party_id: Some(format_smolstr!("p-{session}-{party}")),
            sip: None,
        };
        let claim = ClaimId::new(&format!("{session}-{party}"))?;
        self.legs.push(Leg { extension, claim, call });
        Ok(self.legs.len() - 1)
    }

    /// Removes the legs that `leaves` says yes to and returns them.
    pub(crate) fn drop_legs(&mut self, leaves: impl Fn(&Leg) -> bool) -> Vec<Leg> {
        let (gone, stay) = std::mem::take(&mut self.legs).into_iter().partition(|leg| leaves(leg));
        self.legs = stay;
        gone
    }
}

impl Leg {
    pub(crate) fn fact(&self) -> Fact {
        Fact::Call(Box::new(self.call.clone()))
    }
}

/// Callers from outside. Numbers are of the range that is reserved for fiction (555-01xx).
pub(crate) const OUTSIDE: [(&str, &str); 16] = [
    ("+12125550143", "Brightwater Clinic"),
    ("+13105550118", "Harbor Freight Lines"),
    ("+442079460102", "Pemberton & Sons"),
    ("+14155550170", "Dana Whitfield"),
    ("+16175550155", "Northgate Schools"),
    ("+442079460877", "R. Abernathy"),
    ("+13035550121", "Summit Outfitters"),
    ("+12065550164", "Keiko Arai"),
    ("+17135550137", "Lone Star Supply"),
    ("+441632960042", "Castle Estates"),
    ("+13125550109", "Jerome Tate"),
    ("+16025550190", "Desert Sun Hotels"),
    ("+15035550182", "Willamette Paper"),
    ("+441632960911", "Ines Calder"),
    ("+14045550146", "Peachtree Dental"),
    ("+12025550127", "Capitol Couriers"),
];
