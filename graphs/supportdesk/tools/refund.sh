# Pays AMOUNT back to EMAIL, once for TICKET: the folder says that it was done. A real
# desk would call its bank here, with GRAPHRUN_KEY as the key of the payment.
set -e
mkdir -p paid
if ! mkdir "paid/$TICKET" 2>/dev/null; then
	echo "nothing was paid: ticket $TICKET was paid before"
	exit 0
fi
echo "$EMAIL $AMOUNT" >"paid/$TICKET/payment"
echo "paid $AMOUNT euros back to $EMAIL"
