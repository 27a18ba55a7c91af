# Looks EMAIL up in data/customers.txt: address, name, what they bought.
while IFS='|' read -r email name bought; do
	if [ "$email" = "$EMAIL" ]; then
		echo "$name bought: $bought"
		exit 0
	fi
done <data/customers.txt
echo "no customer has the address $EMAIL"
