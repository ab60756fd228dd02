const OF_THE_WHOLE =
  /^notifications\/(?:(?:tools|prompts|resources)\/list_changed|resources\/updated|subscriptions\/acknowledged|tasks(?:\/status)?)$/;

/** Tells whether a notification of a server is about more than the call during which it comes. */
export function isOfTheWhole({ method }: { readonly method: string }): boolean {
  return OF_THE_WHOLE.test(method);
}
