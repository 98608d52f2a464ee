// Waiting with a deadline instead of sleeping for luck.

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Polls until `condition` holds and returns its value; throws after the deadline. */
export async function until(condition, milliseconds, what) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const outcome = await condition();
    if (outcome) return outcome;
    if (Date.now() > deadline) {
      throw new Error(`not within ${milliseconds} ms: ${typeof what === "function" ? what() : what}`);
    }
    await pause(10);
  }
}

/** Resolves with the first event of that name, or throws after the deadline. */
export function once(emitter, name, milliseconds) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name} within ${milliseconds} ms`)), milliseconds);
    emitter.once(name, (value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
